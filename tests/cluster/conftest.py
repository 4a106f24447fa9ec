"""Fixtures over the real Slurm cluster of tests/testbed: the cluster, jobs, and the service."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.service import CONFIG, Service, StartService, start_service

__all__ = ["CONFIG", "Jobs", "StartService"]

_HERE = Path(__file__).parent
# slurmctld keeps ended jobs for an hour. Other tests read the text of every job.
_LEAVE_ODD_JOBS = ("test_commands_service.py", "test_source_commands.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder with `cluster`, and moves those that leave odd jobs to the end."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.cluster)
    items.sort(key=lambda item: item.path.name in _LEAVE_ODD_JOBS)


@pytest.fixture
def jobs(cluster: Cluster) -> Iterator[Jobs]:
    """Submits jobs of one test. They are cancelled when it ends."""
    jobs = Jobs(cluster)
    yield jobs
    jobs.cancel_all()


@pytest.fixture(scope="session")
def start(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Returns a function that starts a service. All services are stopped at the end of the session."""
    started: list[Service] = []

    def start_one(config: str = CONFIG, *, env: Mapping[str, str] | None = None) -> Service:
        name = f"{tmp_path_factory.getbasetemp().name}-{os.getpid()}-{len(started)}"
        service = start_service(cluster, name, config, env=env)
        started.append(service)
        return service

    yield start_one
    for service in started:
        service.stop()


@pytest.fixture(scope="session")
def service(start: StartService) -> Service:
    """Starts the service for all tests that only read. It hides the partition `secret` and refreshes every second."""
    return start()
