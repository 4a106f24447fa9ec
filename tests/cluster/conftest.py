"""Fixtures over the real Slurm cluster of tests/testbed: the cluster, jobs, and the service."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.service import CONFIG, Service, StartService, start_service

__all__ = ["CONFIG", "Jobs", "StartService"]

_HERE = Path(__file__).parent
# Numbers of services, which name their folders.
_NUMBERS = itertools.count()
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


@contextmanager
def _services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Yields a function that starts a service, and stops all of them at the end."""
    started: list[Service] = []

    def start_one(config: str = CONFIG, *, env: Mapping[str, str] | None = None) -> Service:
        name = f"{tmp_path_factory.getbasetemp().name}-{os.getpid()}-{next(_NUMBERS)}"
        service = start_service(cluster, name, config, env=env)
        started.append(service)
        return service

    yield start_one
    with ThreadPoolExecutor() as threads:
        # The result of each is read, so that a service that does not stop is a failure.
        list(threads.map(Service.stop, started))


@pytest.fixture(scope="module")
def start(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Returns a function that starts a service. All services of a module are stopped at its end."""
    # Each one that runs on reads the cluster every second, and delays all other tests.
    with _services(cluster, tmp_path_factory) as start_one:
        yield start_one


@pytest.fixture(scope="session")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Starts the service for all tests that only read. It hides the partition `secret` and refreshes every second."""
    with _services(cluster, tmp_path_factory) as start_one:
        yield start_one()
