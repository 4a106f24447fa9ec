"""One cluster of each release of Slurm, a service that reads it with Slurm's commands, and jobs of every kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.releases.scene import Scene, make_scene, restore_nodes
from tests.testbed.cluster import Cluster
from tests.testbed.fixture import running_cluster
from tests.testbed.jobs import Jobs
from tests.testbed.layout import SUITE, layout_of_suite
from tests.testbed.service import CONFIG, Service, start_service
from tests.testbed.steps import wait_until

# Of forky, 26.05, the cluster of the other tests is used: its tests are in their part.
RELEASES: Final = [
    pytest.param(SUITE, marks=pytest.mark.cluster, id="26.05"),
    pytest.param("trixie", marks=pytest.mark.releases, id="24.11"),
    pytest.param("bookworm", marks=pytest.mark.releases, id="22.05"),
]
_AGREE_SECONDS: Final = 120.0
_COMMANDS: Final = CONFIG.replace("system:\n", "system:\n  source: slurm:commands\n")


@pytest.fixture(scope="session", params=RELEASES)
def release(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Starts the cluster of one release."""
    if request.param == SUITE:
        cluster: Cluster = request.getfixturevalue("cluster")
        yield cluster
        return
    # A node that a job of an earlier scene has powered up stays so.
    with running_cluster(layout_of_suite(os.environ, request.param), afresh=True) as running:
        yield running


@pytest.fixture(scope="session")
def service(release: Cluster) -> Iterator[Service]:
    """Starts a service that hides the partition `secret` and reads the cluster with Slurm's commands."""
    # Without pyslurm in the root the commands are taken without being named.
    started = start_service(release, f"releases-{os.getpid()}", _COMMANDS if release.suite.is_whole else CONFIG)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def scene(release: Cluster) -> Iterator[Scene]:
    """Submits jobs of every kind, and changes states of nodes."""
    jobs = Jobs(release)
    try:
        yield make_scene(release, jobs)
    finally:
        jobs.cancel_all()
        restore_nodes(release)


def assert_agrees(read: Callable[[], list[str]]) -> None:
    """Fails with the differences that `read` finds each time.

    A job may change between two readings of the truth, and on a busy machine for as long as slurmctld and slurmdbd
    are behind. A field that is converted wrongly differs each time.
    """
    wait_until("no differences", read, lambda found: not found, timeout=_AGREE_SECONDS, interval=2)
