"""Runs one collector cycle: source → hide → usage → store, in one transaction of the store."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace

from slurm_rest_api.processes.children import return_free_memory
from slurm_rest_api.slurmapi.collector import index_rows
from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.collector.hide_partitions import hide_partitions
from slurm_rest_api.slurmapi.collector.hide_reservations import names_of_hidden
from slurm_rest_api.slurmapi.collector.job_pass import NO_MEMORY, JobMemory, JobPass
from slurm_rest_api.slurmapi.collector.limit_use import LimitUse
from slurm_rest_api.slurmapi.collector.load_cost import LoadCosts, LoadMeter
from slurm_rest_api.slurmapi.collector.node_gres import GresInUse, with_gpus
from slurm_rest_api.slurmapi.collector.node_groups import node_groups
from slurm_rest_api.slurmapi.collector.optional_kinds import rows_of, store_optional
from slurm_rest_api.slurmapi.collector.priority_factors import store_priority_factors
from slurm_rest_api.slurmapi.collector.reservations import reservations_at, with_reservations
from slurm_rest_api.slurmapi.collector.started_jobs import StartedJobs
from slurm_rest_api.slurmapi.collector.state_counts import count_states
from slurm_rest_api.slurmapi.collector.usage import (
    compact,
    compute_usage,
    with_counts,
    without_nodes,
)
from slurm_rest_api.slurmapi.collector.valid_text import Renderer, valid_text
from slurm_rest_api.slurmapi.shared import pacing, wait_times
from slurm_rest_api.slurmapi.shared.wait_times import WaitTimes
from slurm_rest_api.slurmapi.sources.base import (
    ClusterSource,
    JobFingerprints,
    Progress,
    Record,
    Snapshot,
    no_progress,
)
from slurm_rest_api.slurmapi.sources.parts import origins_as_json, origins_text
from slurm_rest_api.slurmapi.sources.slurm_source import origins_of
from slurm_rest_api.slurmapi.store.record_writer import Loaded, StoreCycle
from slurm_rest_api.slurmapi.store.writer import StoreWriter


class Cycle:
    """Loads a snapshot from `source`, removes the hidden partitions, and stores the rest. Reports `progress`.

    `paces_first` is that of `LoadCosts`.
    """

    def __init__(
        self,
        source: ClusterSource,
        writer: StoreWriter,
        hidden: Collection[str],
        refresh_seconds: float,
        progress: Progress = no_progress,
        *,
        paces_first: bool = False,
    ) -> None:
        self._source = source
        self._writer = writer
        self._hidden = frozenset(hidden)
        self._refresh_seconds = refresh_seconds
        self._progress = progress
        self._memory = NO_MEMORY
        self._costs = LoadCosts(os.geteuid(), paces_first=paces_first)
        self._limit_use = LimitUse()
        self._hidden_reservations: frozenset[str] = frozenset()

    def run(self) -> CycleReport:
        """Loads and stores once.

        Raises:
            SourceError: the cluster could not be read. The store is unchanged.
            StoreError: the store could not be written. It is unchanged.
        """
        meter, loaded_at = LoadMeter(), time.time()
        loaded = self._source.load()
        meter.has_read()
        self._progress()
        with self._writer.cycle() as cycle:
            # An unchanged job has no body, so its row must be in the store as the last cycle wrote it.
            memory = self._memory if cycle.continues and not self._hides_others(loaded) else NO_MEMORY
            # After a failure the next cycle begins with new sums, because these may have jobs that the store has not.
            limit_use = LimitUse() if memory is NO_MEMORY else self._limit_use
            self._limit_use = LimitUse()
            fingerprints: JobFingerprints = {}
            changed = _without_unchanged(loaded, memory.fingerprints, fingerprints)
            gres_in_use = GresInUse(loaded.nodes, memory.gres)
            summed = replace(changed, jobs=gres_in_use.sum_while_iterating(changed.jobs))
            visible = hide_partitions(summed, self._hidden, fingerprints)
            snapshot, waits = _counting_starts(cycle, memory, visible)
            job_pass = JobPass(_reporting(snapshot.jobs, self._progress), fingerprints, memory)
            renderer = Renderer()
            jobs = _store(cycle, snapshot, job_pass, gres_in_use, loaded_at, renderer, self._progress)
            kept = job_pass.memory()
            is_complete = limit_use.is_empty
            cycle.store_limit_use(limit_use.update(job_pass.counts.of_limits()), is_complete=is_complete)
            cycle.replace_document(wait_times.DOCUMENT, waits.to_json(), len(waits.partitions), loaded_at)
            # Only now, because a source may read jobs, or ask again for some, while they are iterated.
            rpcs = self._source.rpcs_of_last_load
            least_interval = self._costs.least_interval(meter, loaded, rpcs, jobs)
            cycle.finish(
                Loaded(
                    source=self._source.name,
                    source_detail=valid_text(self._source.detail),
                    loaded_at=loaded_at,
                    interval_seconds=pacing.interval_after_success(self._refresh_seconds, least_interval),
                    cycle_seconds=meter.seconds,
                    rpcs=rpcs,
                    source_parts=json.dumps(origins_as_json(origins_of(self._source))),
                    replaced_texts=renderer.replaced + len(kept.replaced),
                    optional_kinds=_optional_kinds(loaded),
                )
            )
        self._memory, self._limit_use = kept._replace(gres=gres_in_use.held), limit_use
        return CycleReport(
            seconds=meter.seconds,
            least_interval=least_interval,
            rpcs=rpcs,
            jobs=jobs,
            nodes=len(snapshot.nodes),
            partitions=len(snapshot.partitions),
            source_detail=self._source.detail,
            source_parts=origins_text(origins_of(self._source)),
            optional_errors=_optional_errors(loaded),
        )

    def _hides_others(self, loaded: Snapshot) -> bool:
        """Returns True if other reservations are hidden than in the last cycle. Unchanged jobs may name them."""
        before, self._hidden_reservations = self._hidden_reservations, names_of_hidden(loaded, self._hidden)
        return before != self._hidden_reservations


def _counting_starts(cycle: StoreCycle, memory: JobMemory, snapshot: Snapshot) -> tuple[Snapshot, WaitTimes]:
    """Returns the snapshot, and the waits of started jobs, which are complete once its jobs are iterated."""
    waits = wait_times.from_json(cycle.document(wait_times.DOCUMENT))
    waits.keep_only(valid_text(partition["name"]) for partition in snapshot.partitions)
    started_jobs = StartedJobs(_states_before(cycle, memory), waits)
    return replace(snapshot, jobs=started_jobs.count_while_iterating(snapshot.jobs)), waits


def _states_before(cycle: StoreCycle, memory: JobMemory) -> Callable[[int], str | None]:
    """Returns the states of the jobs of the last load by id, from the store if this process does not know them."""
    if memory is not NO_MEMORY:
        counted = memory.counted
        return lambda job_id: None if (job := counted.get(job_id)) is None else job.state
    stored = cycle.stored_values("queue", "job_state")
    return lambda job_id: str(stored[job_id] or "") if job_id in stored else None


def _reporting(records: Iterable[Record], progress: Progress) -> Iterator[Record]:
    for record in records:
        progress()
        yield record


def _without_unchanged(snapshot: Snapshot, known: Mapping[int, int], fingerprints: JobFingerprints) -> Snapshot:
    """Returns the snapshot with an `UnchangedJob` for each job whose fingerprint is in `known`, if the source can."""
    if snapshot.changed_since is None:
        return snapshot
    return replace(snapshot, jobs=snapshot.changed_since(known, fingerprints))


def _store(
    cycle: StoreCycle,
    snapshot: Snapshot,
    job_pass: JobPass,
    gres_in_use: GresInUse,
    loaded_at: float,
    renderer: Renderer,
    progress: Progress,
) -> int:
    """Writes all records and documents. Returns the number of jobs."""
    jobs = cycle.replace_records("queue", job_pass.rows(), loaded_at)
    # The source has freed the jobs, between other memory that is in use.
    return_free_memory()
    cycle.replace_rank_totals()
    reservations = reservations_at(snapshot.reservations, loaded_at)
    nodes = with_reservations(with_gpus(gres_in_use.filled(snapshot.nodes)), reservations, loaded_at)
    cycle.replace_records("nodes", rows_of(_reporting(nodes, progress), index_rows.node_index_row, renderer), loaded_at)
    # Its names are those of the records, which are counted already.
    cycle.replace_document("node_groups", Renderer().render(node_groups(nodes))[1], len(nodes), loaded_at)
    cycle.replace_records(
        "partitions", rows_of(snapshot.partitions, index_rows.partition_index_row, renderer), loaded_at
    )
    store_optional(cycle, replace(snapshot, nodes=nodes, reservations=reservations), loaded_at, renderer)
    store_priority_factors(cycle, snapshot, loaded_at, renderer)
    cycle.replace_document("stats", renderer.render(snapshot.statistics)[1], 1, loaded_at)
    progress()
    usage = with_counts(
        compute_usage(snapshot.partitions, nodes, job_pass.usage_input),
        count_states(job_pass.counts, nodes, snapshot.partitions),
    )
    progress()
    total = len(snapshot.partitions)
    # Its names are those of the records, which are counted already.
    for name, document in (
        ("usage", usage),
        ("usage_compact", compact(usage)),
        ("usage_summary", without_nodes(usage)),
    ):
        cycle.replace_document(name, Renderer().render(document)[1], total, loaded_at)
    return jobs


def _optional_errors(snapshot: Snapshot) -> dict[str, str]:
    return {kind: read.error for kind, read in snapshot.optional_kinds.items() if read.error is not None}


def _optional_kinds(snapshot: Snapshot) -> str:
    kinds = {kind: asdict(read) for kind, read in snapshot.optional_kinds.items()}
    return json.dumps(valid_text(kinds))
