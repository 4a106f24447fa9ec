"""The fixture of the real cluster, for every folder whose tests need it. `tests/conftest.py` imports it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .bringup import down, is_up, sole_session, up
from .cluster import Cluster
from .layout import Layout, layout_from


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Starts the cluster for the session, as `running_cluster` does."""
    with running_cluster(layout_from(os.environ)) as running:
        yield running


@contextmanager
def running_cluster(layout: Layout, *, afresh: bool = False) -> Iterator[Cluster]:
    """Starts a cluster, and stops it afterwards unless SLURM_REST_API_TESTBED_KEEP is set.

    A cluster that is up before is used and kept. With `afresh` it is stopped first, and its jobs are forgotten.
    """
    with sole_session(layout):
        if afresh:
            down(layout)
        keep = is_up(layout) or os.environ.get("SLURM_REST_API_TESTBED_KEEP", "") not in ("", "0")
        try:
            yield Cluster(layout, up(layout))
        finally:
            if not keep:
                down(layout)
