"""Computes the index columns of a record, and the record without its clock fields."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Final

from slurm_rest_api.slurm import hostlist
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store.index_columns import CLOCK_FIELDS, IndexRow

_NOT_RUNNING: Final = frozenset(
    ("PENDING", "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL")
) | {"DEADLINE", "OUT_OF_MEMORY"}
_CLOCK: Final = frozenset(CLOCK_FIELDS)
_GPUS: Final = re.compile(r"(?:^|,)gres/gpu(:[^=,]+)?=(\d+)")
_NODE_GPUS: Final = re.compile(r"gpu(?::[^:]+)*:(\d+)")


def job_index_row(job: Record) -> IndexRow:
    """Returns the columns of a job in the order of `COLUMNS["queue"]`."""
    get = job.get
    partition, state, reason = get("partition"), get("job_state"), get("state_reason")
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
        None if reason is None else reason.partition(",")[0],
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
        _gpus(get("tres_alloc_str") or get("tres_req_str")),
    )


def node_index_row(node: Record) -> IndexRow:
    """Returns the columns of a node in the order of `COLUMNS["nodes"]`."""
    get = node.get
    return (
        get("state"),
        _words(_node_state_words(get("state") or "UNKNOWN")),
        _words(get("partitions") or ()),
        _words({*_split(get("features")), *_split(get("features_active"))}),
        _words({word for entry in get("gres") or () for word in _gres_words(entry)}),
        get("cpus"),
        get("alloc_cpus"),
        get("idle_cpus"),
        get("cpu_load"),
        get("real_memory"),
        get("alloc_mem"),
        get("idle_mem"),
        get("free_mem"),
        get("weight"),
        sum(_node_gpus(entry) for entry in get("gres") or ()),
        sum(_node_gpus(entry) for entry in get("gres_used") or ()),
    )


def partition_index_row(partition: Record) -> IndexRow:
    """Returns the columns of a partition in the order of `COLUMNS["partitions"]`."""
    get = partition.get
    return get("state"), get("total_nodes"), get("total_cpus"), get("priority_tier")


def without_clock_fields(job: Record) -> Record | None:
    """Returns a running job without the fields that only time changes; None for other jobs."""
    if not job.get("run_time") or job.get("job_state") in _NOT_RUNNING:
        return None
    return {field: value for field, value in job.items() if field not in _CLOCK}


def _words(words: Iterable[str]) -> str | None:
    joined = ",".join(words)
    return f",{joined}," if joined else None


@functools.lru_cache(maxsize=4096)
def _nodes(text: str | None) -> tuple[str, ...]:
    """Expands the node names of a finished job. The cache helps because every cycle loads it again."""
    try:
        return tuple(hostlist.expand(text))
    except ValueError:
        return ()


def _gpus(tres: str | None) -> int:
    """GPUs of `cpu=4,gres/gpu=2,gres/gpu:a100=2`: the count without a type includes those with one."""
    if not tres or "gres/gpu" not in tres:
        return 0
    found = _GPUS.findall(tres)
    return sum(int(count) for kind, count in found if not kind) or sum(int(count) for _, count in found)


def _node_gpus(entry: str) -> int:
    match = _NODE_GPUS.match(entry)
    return int(match[1]) if match else 0


def _gres_words(entry: str) -> list[str]:
    """`gpu:a100:2` is found as gpu, gpu:a100 and gpu:a100:2."""
    parts = entry.split(":")
    return [":".join(parts[: length + 1]) for length in range(len(parts))]


def _split(features: str | list[str] | None) -> list[str]:
    return features.split(",") if isinstance(features, str) else list(features or ())


def _node_state_words(state: str) -> list[str]:
    """`IDLE*+DRAIN` is IDLE, NOT_RESPONDING, DRAIN, and DRAINED as sinfo calls it."""
    words = state.replace("*", "+NOT_RESPONDING").split("+")
    if "DRAIN" in words:
        busy = words[0] in ("ALLOCATED", "MIXED") or "COMPLETING" in words
        words.append("DRAINING" if busy else "DRAINED")
    return words
