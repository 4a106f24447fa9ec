"""Jobs that belong to one test."""

from __future__ import annotations

from typing import Any

from .cluster import Cluster


class Jobs:
    """Submits jobs and cancels them at the end of the test."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._submitted: list[int] = []

    def submit(self, **options: Any) -> int:
        """Submits a job as `Cluster.submit` does."""
        job = self._cluster.submit(**options)
        self._submitted.append(job)
        return job

    def running(self, **options: Any) -> int:
        """Submits a job and waits until it is running."""
        job = self.submit(**options)
        self._cluster.wait_state(job, {"RUNNING"})
        return job

    def adopt(self, *jobs: int) -> None:
        """Adds jobs that the test submitted itself."""
        self._submitted.extend(jobs)

    def cancel_all(self) -> None:
        """Cancels the submitted jobs and waits until none of them is active."""
        self._cluster.cancel(*self._submitted)
