"""Jobs that belong to one test."""

from __future__ import annotations

from typing import Any

from .cluster import Cluster


class Jobs:
    """Submits jobs and remembers them, so that the test's end is theirs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._submitted: list[int] = []

    def submit(self, **options: Any) -> int:
        """As `Cluster.submit`."""
        job = self._cluster.submit(**options)
        self._submitted.append(job)
        return job

    def running(self, **options: Any) -> int:
        """Submit a job and wait until it runs."""
        job = self.submit(**options)
        self._cluster.wait_state(job, {"RUNNING"})
        return job

    def cancel_all(self) -> None:
        """Cancel what was submitted and wait until none of it is active."""
        self._cluster.cancel(*self._submitted)
