"""Computes load samples of the simulated cluster's past, as the collector computes current ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from slurm_rest_api.archive.sample import Sample, make_sample
from slurm_rest_api.demo.hardware import HIDDEN_PARTITION
from slurm_rest_api.demo.job_records import pending_tasks
from slurm_rest_api.demo.node_records import node_records
from slurm_rest_api.demo.partition_records import partition_records
from slurm_rest_api.demo.schedule import schedule_of
from slurm_rest_api.demo.timeline import Moment, Timeline
from slurm_rest_api.slurmapi.collector.hide_partitions import hide_partitions
from slurm_rest_api.slurmapi.collector.state_counts import JobCounter, count_states
from slurm_rest_api.slurmapi.collector.usage import allocations_of, compute_usage, with_counts
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot

_DAY: Final = 86400
FINE_SECONDS: Final = 600
COARSE_SECONDS: Final = 3600
_FINE_DAYS: Final = 14


def wanted_slots(now: int, days: int) -> Iterator[int]:
    """Yields the epoch seconds to sample, newest first: 10 minutes apart for two weeks, before that an hour."""
    slot = now // FINE_SECONDS * FINE_SECONDS - FINE_SECONDS
    while slot > now - days * _DAY:
        yield slot
        step = FINE_SECONDS if slot > now - _FINE_DAYS * _DAY else COARSE_SECONDS
        slot = (slot - 1) // step * step


def past_sample(timeline: Timeline, slot: int) -> Sample:
    """Returns the sample at epoch second `slot`."""
    moment, nodes = timeline.at(slot), timeline.hardware.nodes
    seen = hide_partitions(
        Snapshot(
            jobs=(),
            nodes=node_records(moment, tuple(nodes)),
            partitions=partition_records(timeline.hardware),
            statistics={},
        ),
        [HIDDEN_PARTITION],
    )
    counter = JobCounter()
    allocations = [
        allocation for job in counter.count_while_iterating(_outlines(moment)) for allocation in allocations_of(job)
    ]
    usage = compute_usage(seen.partitions, seen.nodes, allocations)
    return make_sample(slot, with_counts(usage, count_states(counter, seen.nodes, seen.partitions)))


def _outlines(moment: Moment) -> Iterator[Record]:
    """Yields the job fields that usage and state counts need. Leaves out the hidden partition."""
    for job in moment.running:
        if job.partition == HIDDEN_PARTITION:
            continue
        names, share = [node.name for node in job.share.nodes], job.share
        yield {
            "job_id": job.id,
            "job_state": "RUNNING",
            "partition": job.partition,
            "cpus_allocated": dict.fromkeys(names, share.cpus),
            "mem_allocated": dict.fromkeys(names, share.memory),
            "gres_allocated": dict.fromkeys(names, {"gpu": share.gpus} if share.gpus else {}),
        }
    schedule = schedule_of(moment)
    for job in moment.pending:
        if job.partition == HIDDEN_PARTITION:
            continue
        yield {
            "job_id": job.id,
            "job_state": "PENDING",
            "state_reason": schedule.reason(job),
            "partition": job.partition,
            "array_task_str": pending_tasks(job.array, moment.next_task) if job.array else None,
        }
