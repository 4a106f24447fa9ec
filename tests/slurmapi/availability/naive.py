"""A second computation of the availability: one loop over the published records, one rule at a time."""

from __future__ import annotations

import math
from typing import Any

from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.availability.model import Request

Record = dict[str, Any]

GONE = {"DRAIN", "FAIL", "INVALID_REG", "NOT_RESPONDING", "POWERING_DOWN", "POWER_DOWN", "REBOOT_ISSUED", "BLOCKED"}


def seconds_in(partition: Record, request: Request) -> float:
    """Returns the time limit of the job in the partition."""
    most = math.inf if partition["max_time"] == "UNLIMITED" else partition["max_time"]
    if request.seconds is not None:
        return request.seconds
    if partition["default_time"] == "NONE":
        return float(most)
    return float(min(most, math.inf if partition["default_time"] == "UNLIMITED" else partition["default_time"]))


def gpus_of(node: Record, model: str | None) -> tuple[int, int]:
    """Returns the GPUs of a model on a node, and the free ones. All models if it is None."""
    if model is None:
        return sum(entry["total"] for entry in node["gpus"].values()), node["free_gpus"]
    entry = node["gpus"].get(model)
    return (0, 0) if entry is None else (entry["total"], entry["free"])


def is_large_enough(node: Record, partition: Record, request: Request) -> bool:
    """Returns True if the job fits on the empty node."""
    return (
        partition["name"] in node["partitions"]
        and node["state_base"] != "FUTURE"
        and node["effective_cpus"] >= (request.cpus or 1)
        and node["real_memory"] - node["mem_spec_limit"] >= memory_of(partition, request)
        and gpus_of(node, request.gpu_type)[0] >= request.gpus
    )


def memory_of(partition: Record, request: Request) -> int:
    """Returns the memory on each node in MiB."""
    if request.memory_mib is not None:
        return request.memory_mib
    per_cpu = partition["def_mem_per_cpu"]
    return 0 if per_cpu is None else per_cpu * (request.cpus or 1)


def is_free(node: Record, partition: Record, request: Request, reservations: list[Record], now: int) -> bool:
    """Returns True if the job could start on the node now."""
    flags = set(node["state_flags"])
    if node["state_base"] not in ("IDLE", "MIXED", "ALLOCATED") or flags & GONE or flags & {"PLANNED", "COMPLETING"}:
        return False
    if flags & {"RESERVED", "MAINTENANCE"}:
        return False
    cpus = node["effective_cpus"] - node["alloc_cpus"]
    end = now + seconds_in(partition, request)
    for reservation in reservations:
        if node["name"] not in expand(reservation["nodes"]):
            continue
        if reservation["start_time"] >= end or reservation["end_time"] <= now:
            continue
        if node["name"] not in reservation["core_ids"]:
            return False
        first, last = reservation["core_ids"][node["name"]].split("-")
        cpus -= (int(last) - int(first) + 1) * node["threads"]
        if partition["flags"]["Shared"] == "EXCLUSIVE":
            return False
    if partition["flags"]["Shared"] == "EXCLUSIVE" and (node["alloc_cpus"] or node["alloc_mem"]):
        return False
    return bool(
        cpus >= (request.cpus or 1)
        and node["real_memory"] - node["mem_spec_limit"] - node["alloc_mem"] >= memory_of(partition, request)
        and gpus_of(node, request.gpu_type)[1] >= request.gpus
        and node["owner"] is None
    )


def answer(
    partition: Record, request: Request, nodes: list[Record], reservations: list[Record], now: int
) -> tuple[str, set[str], int]:
    """Returns the answer, the names of the free nodes, and the number of those that are large enough."""
    large = [node for node in nodes if is_large_enough(node, partition, request)]
    free = {node["name"] for node in large if is_free(node, partition, request, reservations, now)}
    too_long = partition["max_time"] != "UNLIMITED" and (request.seconds or 0) > partition["max_time"]
    too_many = partition["max_nodes"] != "UNLIMITED" and request.nodes > partition["max_nodes"]
    is_closed = partition["state"] in ("DRAIN", "INACTIVE")
    if too_long or too_many or is_closed or len(large) < request.nodes:
        return "never", free, len(large)
    if len(free) < request.nodes or partition["state"] == "DOWN":
        return "later", free, len(large)
    return "now", free, len(large)
