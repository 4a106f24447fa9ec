"""Daemons of the test cluster that are away for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.testbed.cluster import Cluster


@contextmanager
def without(cluster: Cluster, daemon: str) -> Iterator[None]:
    """`daemon` is stopped, and started again afterwards."""
    cluster.daemons.stop(daemon)
    try:
        yield
    finally:
        cluster.daemons.start(daemon)


@contextmanager
def frozen(cluster: Cluster, daemon: str) -> Iterator[None]:
    """`daemon` keeps its connections and does nothing, until afterwards."""
    cluster.daemons.freeze(daemon)
    try:
        yield
    finally:
        cluster.daemons.thaw(daemon)
