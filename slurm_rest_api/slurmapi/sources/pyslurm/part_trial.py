"""Reads each part through pyslurm once, and finds values that can be wrong in some releases of it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.pyslurm_build.probe import NO_CORES, select_type_of
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import release_of, version_of
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource

logger = logging.getLogger(__name__)

_JOBS_READ: Final = 5000
_JOBS_CHECKED: Final = 200
"""Jobs that are read, and running ones whose layout is checked."""


def wrong_parts(pyslurm: Any, parts: Collection[str], begin: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """Reads `parts` once. Yields those that are wrong, with the reason.

    Args:
        pyslurm: The imported module, which has all of `parts`.
        parts: Parts of a snapshot.
        begin: Is called with each part before it is read.

    Raises:
        SourceUnavailable: slurmctld did not answer.
    """
    trial = _Trial(pyslurm)
    module = f"pyslurm {release_of(version_of(pyslurm))}"
    for part, read in trial.readings.items():
        if part not in parts:
            continue
        begin(part)
        try:
            fault = read()
        except SourceUnavailable:
            raise
        except Exception as error:
            # Any error of the module. Only the log has the message, which may name a job of a hidden partition.
            logger.warning("pyslurm cannot read %s.", part, exc_info=True)
            fault = f"fails with {type(error).__name__}"
        if fault is not None:
            yield part, f"{module} {fault}"


class _Trial:
    """Reads parts and keeps the nodes, which the jobs need."""

    def __init__(self, pyslurm: Any) -> None:
        self._pyslurm = pyslurm
        self._source = PyslurmSource(pyslurm, UserNames())
        self._nodes: list[Record] = []
        self.readings: dict[str, Callable[[], str | None]] = {
            "partitions": self._read_partitions,
            "nodes": self._read_nodes,
            "statistics": self._read_statistics,
            "jobs": self._read_jobs,
        }

    def _read_partitions(self) -> None:
        self._source.begin(["partitions"])
        self._source.partitions()

    def _read_nodes(self) -> str | None:
        self._source.begin(["nodes"])
        self._nodes = self._source.nodes([])
        return nodes_fault(self._nodes)

    def _read_statistics(self) -> None:
        self._source.begin(["statistics"])
        self._source.statistics()

    def _read_jobs(self) -> str | None:
        self._source.begin(["jobs"])
        jobs = self._source.jobs(self._nodes).records
        return layouts_fault(jobs, lambda: select_type_of(self._pyslurm) != NO_CORES)


def nodes_fault(nodes: Iterable[Record]) -> str | None:
    """Returns what is wrong with nodes that have some of their CPUs allocated. They are MIXED."""
    wrong = any(node["state_base"] == "ALLOCATED" and 0 < node["alloc_cpus"] < node["effective_cpus"] for node in nodes)
    return "says ALLOCATED for MIXED" if wrong else None


def layouts_fault(jobs: Iterable[Record], has_cores: Callable[[], bool]) -> str | None:
    """Returns what is wrong with the layouts of running jobs by node.

    A cluster without allocated cores (select/linear) has no layouts. The source spreads the CPUs of a job then.
    """
    running = (job for job in itertools.islice(jobs, _JOBS_READ) if job["job_state"] == "RUNNING")
    has_empty = False
    for job in itertools.islice(running, _JOBS_CHECKED):
        layout = job["cpus_alloc_layout"]
        if len(layout) < job["num_nodes"]:
            return "gives layouts that lack nodes of the job"
        has_empty = has_empty or not any(layout.values())
    return "gives empty layouts of jobs" if has_empty and has_cores() else None
