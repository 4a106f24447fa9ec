"""Computes the index columns of a record, and the record without its clock fields."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

from slurm_rest_api.slurm.gres import gres_gpus, gres_spellings
from slurm_rest_api.slurm.node_words import node_filter_words, node_state_word
from slurm_rest_api.slurm.states import JOB_STATES_AT_REST, resources_held
from slurm_rest_api.slurmapi.collector.job_sums import job_gpus, task_count
from slurm_rest_api.slurmapi.collector.rank_queue import rank_columns
from slurm_rest_api.slurmapi.sources.base import Record, node_state
from slurm_rest_api.slurmapi.sources.hostlists import expand_known
from slurm_rest_api.slurmapi.store.index_columns import CLOCK_FIELDS, IndexRow

_CLOCK: Final = frozenset(CLOCK_FIELDS)


def job_index_row(job: Record) -> IndexRow:
    """Returns the columns of a job in the order of `COLUMNS["queue"]`."""
    get = job.get
    partition, state, reason = get("partition"), get("job_state"), get("state_reason")
    reason_name = None if reason is None else reason.partition(",")[0]
    gpus, tasks = job_gpus(job), task_count(job)
    return (
        get("user_name"),
        get("account"),
        partition,
        None if partition is None else f",{partition},",
        get("name"),
        get("qos"),
        state,
        None if state is None else f",{state.replace('+', ',')},",
        reason,
        reason_name,
        get("array_job_id"),
        get("array_task_id"),
        get("array_task_str"),
        get("het_job_id"),
        get("het_job_offset"),
        _words(get("cpus_allocated") or _nodes(get("nodes"))),
        get("submit_time"),
        get("start_time"),
        get("end_time"),
        get("priority"),
        get("num_cpus"),
        get("num_nodes"),
        get("memory"),
        get("time_limit"),
        gpus,
        tasks,
        *rank_columns(job, reason_name, tasks, gpus),
        get("run_time"),
        held_tres(job),
    )


def job_clock_values(job: Record) -> IndexRow:
    """Returns the columns of a job in the order of `CLOCK_COLUMNS["queue"]`."""
    return (job.get("run_time"),)


def node_index_row(node: Record) -> IndexRow:
    """Returns the columns of a node in the order of `COLUMNS["nodes"]`."""
    get, state = node.get, node_state(node)
    state_words, partition_words = _words(node_filter_words(state)), _words(get("partitions") or ())
    return (
        get("state"),
        node_state_word(state),
        state_words,
        partition_words,
        _words({*_split(get("features")), *_split(get("features_active"))}),
        _words(set(gres_spellings(get("gres")))),
        get("cpus"),
        get("alloc_cpus"),
        get("idle_cpus"),
        get("cpu_load"),
        get("real_memory"),
        get("alloc_mem"),
        get("idle_mem"),
        get("free_mem"),
        get("weight"),
        gres_gpus(get("gres")),
        gres_gpus(get("gres_used")),
        get("free_gpus"),
    )


def node_kind(node: Record) -> str:
    """Returns what /availability needs of a node apart from its name and what jobs hold.

    These are its partitions, its states, MiB of memory and its resources, with newlines between them.
    """
    partitions, states = _words(node.get("partitions") or ()), _words(node_filter_words(node_state(node)))
    return f"{partitions or ''}\n{states or ''}\n{node.get('real_memory') or 0}\n{_node_resources(node)}"


def _node_resources(node: Record) -> str:
    """Returns the last part of `node_kind`.

    `16|2000|1001|2|1|a100:4:1`: CPUs for jobs, MiB reserved for the system, the owner's id (empty for none), threads of
    a core, free GPUs, and for each model its GPUs and free ones (empty if unknown).
    """
    get = node.get
    cpus, owner = get("effective_cpus"), get("owner")
    models = ",".join(
        f"{model}:{count['total']}:{'' if count['free'] is None else count['free']}"
        for model, count in (get("gpus") or {}).items()
    )
    return (
        f"{get('cpus') or 0 if cpus is None else cpus}|{get('mem_spec_limit') or 0}|{'' if owner is None else owner}"
        f"|{get('threads') or 1}|{get('free_gpus') or 0}|{models}"
    )


def partition_index_row(partition: Record) -> IndexRow:
    """Returns the columns of a partition in the order of `COLUMNS["partitions"]`."""
    get = partition.get
    return get("state"), get("total_nodes"), get("total_cpus"), get("priority_tier")


def held_tres(job: Record) -> str | None:
    """Returns the TRES that a job holds while slurmctld counts it in limits, None for all other jobs."""
    # slurmctld counts a job in limits from its start until it completes: acct_policy_job_begin(), and
    # acct_policy_job_fini() in deallocate_nodes().
    if resources_held(job.get("job_state")) not in ("memory", "all"):
        return None
    return job.get("tres_alloc_str") or ""


def without_clock_fields(job: Record) -> Record | None:
    """Returns a running job without the fields that only time changes, or None for other jobs."""
    if not job.get("run_time") or job.get("job_state") in JOB_STATES_AT_REST:
        return None
    return {field: value for field, value in job.items() if field not in _CLOCK}


def _words(words: Iterable[str]) -> str | None:
    joined = ",".join(words)
    return f",{joined}," if joined else None


@functools.lru_cache(maxsize=256)
def _nodes(text: str | None) -> tuple[str, ...]:
    """Expands the node names of a finished job. The cache helps because jobs of a set of nodes end in groups."""
    return tuple(expand_known(text))


def _split(features: str | list[str] | None) -> list[str]:
    return features.split(",") if isinstance(features, str) else list(features or ())
