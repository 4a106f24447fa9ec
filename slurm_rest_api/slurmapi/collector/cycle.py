"""One collector cycle: source → hide → usage → store, all of it in one transaction of the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import orjson

from slurm_rest_api.slurmapi.collector import index_rows
from slurm_rest_api.slurmapi.collector.hide_partitions import hide_partitions
from slurm_rest_api.slurmapi.collector.state_counts import JobCounter, tally
from slurm_rest_api.slurmapi.collector.usage import (
    Allocation,
    allocations_of,
    compact,
    compute_usage,
    with_figures,
    without_nodes,
)
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.sources.base import ClusterSource, JobFingerprints, Record, Snapshot, UnchangedJob
from slurm_rest_api.slurmapi.store.index_columns import IndexRow
from slurm_rest_api.slurmapi.store.record_writer import Loaded, Row, StoreCycle
from slurm_rest_api.slurmapi.store.writer import StoreWriter


@dataclass(frozen=True)
class CycleReport:
    """What a finished cycle took: seconds by the clock, its cost as pacing counts it, and how much it read."""

    seconds: float
    cost: float
    rpcs: int
    jobs: int
    nodes: int
    partitions: int


class Cycle:
    """Loads a snapshot from `source` and stores what of it may be seen, each time it is run."""

    def __init__(
        self, source: ClusterSource, writer: StoreWriter, hidden: Collection[str], refresh_seconds: float
    ) -> None:
        self._source = source
        self._writer = writer
        self._hidden = frozenset(hidden)
        self._refresh_seconds = refresh_seconds
        self._marks: JobFingerprints = {}
        self._states: dict[int, str] = {}

    def run(self) -> CycleReport:
        """Load and store once.

        Raises:
            SourceError: the cluster could not be read; the store is as it was.
            StoreError: the store could not be written; it is as it was.
        """
        started, worked = time.monotonic(), time.process_time()
        loaded_at = time.time()
        loaded = self._source.load()
        reading = time.monotonic() - started
        marks: JobFingerprints = {}
        with self._writer.cycle() as cycle:
            # Marks stand for rows of the store: without the rows that they were made with they mean nothing.
            known = self._marks if cycle.continues else {}
            snapshot = hide_partitions(_without_known(loaded, known, marks), self._hidden)
            counted = JobCounter(self._states)
            jobs = _store(cycle, replace(snapshot, jobs=counted.watch(snapshot.jobs)), counted, loaded_at)
            seconds = time.monotonic() - started
            cost = pacing.cost_of(reading, time.process_time() - worked)
            cycle.finish(
                Loaded(
                    source=self._source.name,
                    loaded_at=loaded_at,
                    interval_seconds=pacing.interval_after_success(self._refresh_seconds, cost),
                    cycle_seconds=seconds,
                    rpcs=self._source.rpcs_per_load,
                )
            )
        self._marks = marks
        self._states = counted.states
        return CycleReport(
            seconds=time.monotonic() - started,
            cost=cost,
            rpcs=self._source.rpcs_per_load,
            jobs=jobs,
            nodes=len(snapshot.nodes),
            partitions=len(snapshot.partitions),
        )


def _without_known(snapshot: Snapshot, known: JobFingerprints, marks: JobFingerprints) -> Snapshot:
    if snapshot.changed_since is None:
        return snapshot
    return replace(snapshot, jobs=snapshot.changed_since(known, marks))


def _store(cycle: StoreCycle, snapshot: Snapshot, counted: JobCounter, loaded_at: float) -> int:
    allocations: list[Allocation] = []
    jobs = cycle.replace_records("queue", _job_rows(snapshot.jobs, allocations), loaded_at)
    cycle.replace_records("nodes", _named_rows(snapshot.nodes, index_rows.node_index_row), loaded_at)
    cycle.replace_records("partitions", _named_rows(snapshot.partitions, index_rows.partition_index_row), loaded_at)
    cycle.replace_document("stats", orjson.dumps(snapshot.statistics), 1, loaded_at)
    figures = tally(counted, snapshot.nodes, snapshot.partitions)
    usage = with_figures(compute_usage(snapshot.partitions, snapshot.nodes, allocations), figures)
    total = len(snapshot.partitions)
    cycle.replace_document("usage", orjson.dumps(usage), total, loaded_at)
    cycle.replace_document("usage_compact", orjson.dumps(compact(usage)), total, loaded_at)
    cycle.replace_document("usage_summary", orjson.dumps(without_nodes(usage)), total, loaded_at)
    cycle.replace_document("tally", orjson.dumps(figures), total, loaded_at)
    return jobs


def _job_rows(jobs: Iterable[Record], allocations: list[Allocation]) -> Iterator[Row]:
    """Render each job and drop it at once; what usage needs of it is added to `allocations`."""
    for job in jobs:
        if isinstance(job, UnchangedJob):
            yield Row(job["job_id"], None)
            continue
        allocations.extend(allocations_of(job))
        stable = index_rows.without_clock_fields(job)
        yield Row(
            job["job_id"],
            orjson.dumps(job),
            partial(index_rows.job_index_row, job),
            None if stable is None else orjson.dumps(stable),
        )


def _named_rows(records: Iterable[Record], index_row_of: Callable[[Record], IndexRow]) -> Iterator[Row]:
    return (Row(record["name"], orjson.dumps(record), partial(index_row_of, record)) for record in records)
