"""Counters of one process, or of all workers of a uWSGI together."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, disable_created_metrics, values
from prometheus_client.multiprocess import MultiProcessCollector

try:
    import uwsgi
except ImportError:
    # The module exists only inside uWSGI.
    uwsgi = None


class Counters:
    """Where counters are kept: `mine` is for making them, `all()` for reading those of every worker."""

    def __init__(self, mine: CollectorRegistry, folder: Path | None) -> None:
        self.mine = mine
        self._folder = folder

    def all(self) -> CollectorRegistry:
        """A registry to read: the counters of this process, or the sums over all workers."""
        if self._folder is None:
            return self.mine
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))
        return registry


def open_counters(folder: Path) -> Counters:
    """Counters for this process. Under uWSGI they live in `folder`, one file for each worker.

    A worker that is replaced hands its counts on: the files are named by the worker's number, not its process.
    """
    # When a counter began: a second series for each, which no query needs.
    disable_created_metrics()
    if uwsgi is None:
        return Counters(CollectorRegistry(), None)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Where the library looks, each time that a counter is made.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(process_identifier=uwsgi.worker_id)
    return Counters(CollectorRegistry(), folder)
