"""Checks a request against the limits of one partition, and fills it in with the partition's defaults.

Sources: slurm.conf(5), "PARTITION CONFIGURATION"; _part_access_check(), _valid_pn_min_mem() and
job_limits_check() of src/slurmctld/job_mgr.c, Slurm 26.05.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from slurm_rest_api.slurmapi.availability.model import Piece, Request
from slurm_rest_api.slurmapi.availability.reserved import begins_later, may_use

Record = Mapping[str, Any]

_OPEN_TO_QUEUED: Final = frozenset(("UP", "DRAIN"))


class Limit(NamedTuple):
    """A limit that the request exceeds. `limit` has Slurm's name, or that of a figure of the nodes."""

    limit: str
    value: Any
    requested: Any


@dataclass(frozen=True)
class Checked:
    """The request in one partition: its piece for each node, its seconds, and what is in its way there.

    `is_down` is True for a partition that takes the job and starts none. `unchecked` names limits of the partition that
    could not be compared.
    """

    piece: Piece
    seconds: float
    limits: list[Limit]
    unchecked: list[str]
    is_down: bool


def check(partition: Record, request: Request, reservations: Sequence[Record] | None, now: float) -> Checked:
    """Returns the request as it would be in the partition, a record of /partitions.

    `reservations` are records of /reservations, None if they are not read. `now` is an epoch second.
    """
    limits: list[Limit] = []
    unchecked = list(request.unchecked)
    cpus, memory = _cpus_and_memory(partition, request, limits)
    seconds = _seconds(partition, request, limits)
    _check_state(partition, request, limits)
    _check_nodes(partition, request, limits)
    _check_names(partition, request, limits, unchecked)
    _check_reservation(partition, request, reservations, limits, unchecked)
    shared = str((partition.get("flags") or {}).get("Shared") or "")
    if shared.startswith("FORCED") and shared != "FORCED:1":
        unchecked.append("OverSubscribe")
    if _number(partition.get("max_cpus_per_socket")):
        unchecked.append("MaxCPUsPerSocket")
    piece = Piece(
        cpus=cpus,
        memory_mib=memory,
        gpus=request.gpus,
        gpu_type=request.gpu_type,
        whole=request.exclusive or shared == "EXCLUSIVE",
        user_id=request.user_id,
        in_reservation=request.reservation is not None,
        begins_later=begins_later(reservations or (), request, now),
        heeds_plans=not request.is_queued,
    )
    return Checked(piece, seconds, limits, unchecked, partition.get("state") == "DOWN")


def _cpus_and_memory(partition: Record, request: Request, limits: list[Limit]) -> tuple[int, int | None]:
    get = partition.get
    per_gpu = _number(get("def_cpus_per_gpu"))
    cpus = request.cpus or max(1, (per_gpu or 0) * request.gpus)
    memory = request.memory_mib
    if memory is None:
        if (of_gpu := _number(get("def_mem_per_gpu"))) and request.gpus:
            memory = of_gpu * request.gpus
        elif of_cpu := _number(get("def_mem_per_cpu")):
            memory = of_cpu * cpus
        else:
            memory = _number(get("def_mem_per_node"))
    if memory is not None:
        if (most := _number(get("max_mem_per_node"))) and memory > most:
            limits.append(Limit("MaxMemPerNode", most, memory))
        if of_cpu := _number(get("max_mem_per_cpu")):
            # slurmctld raises the CPUs of a job whose memory is more than its CPUs may have.
            cpus = max(cpus, math.ceil(memory / of_cpu))
    if (most := _number(get("max_cpus_per_node"))) and cpus > most:
        limits.append(Limit("MaxCPUsPerNode", most, cpus))
    return cpus, memory


def _seconds(partition: Record, request: Request, limits: list[Limit]) -> float:
    """Returns the time limit of the job. Without one of its own it has DefaultTime, or MaxTime."""
    most = _limit_of(partition.get("max_time"))
    if request.seconds is None:
        default = partition.get("default_time")
        return min(most if default in (None, "NONE") else _limit_of(default), most)
    if request.seconds > most:
        limits.append(Limit("MaxTime", _published(most), _published(request.seconds)))
    return request.seconds


def _check_state(partition: Record, request: Request, limits: list[Limit]) -> None:
    state = partition.get("state")
    if state == "DOWN" or state == "UP" or (request.is_queued and state in _OPEN_TO_QUEUED):
        return
    limits.append(Limit("State", state, "UP"))


def _check_nodes(partition: Record, request: Request, limits: list[Limit]) -> None:
    most, least = _number(partition.get("max_nodes")), _number(partition.get("min_nodes"))
    if most and request.nodes > most:
        limits.append(Limit("MaxNodes", most, request.nodes))
    if least and request.nodes < least:
        limits.append(Limit("MinNodes", least, request.nodes))


def _check_names(partition: Record, request: Request, limits: list[Limit], unchecked: list[str]) -> None:
    get = partition.get
    for allow, deny, name, value in (
        ("allow_accounts", "deny_accounts", "Accounts", request.account),
        ("allow_qos", "deny_qos", "Qos", request.qos),
    ):
        allowed, denied = get(allow), get(deny)
        if isinstance(allowed, list):
            if value is None:
                unchecked.append(f"Allow{name}")
            elif value not in allowed:
                limits.append(Limit(f"Allow{name}", allowed, value))
        # AllowAccounts and AllowQos hide DenyAccounts and DenyQos, as in slurm.conf(5).
        elif denied:
            if value is None:
                unchecked.append(f"Deny{name}")
            elif value in denied:
                limits.append(Limit(f"Deny{name}", denied, value))
    if isinstance(get("allow_groups"), list):
        unchecked.append("AllowGroups")
    if isinstance(get("allow_alloc_nodes"), list):
        unchecked.append("AllocNodes")
    if (get("flags") or {}).get("RootOnly") and request.user != "root":
        limits.append(Limit("RootOnly", "YES", request.user))


def _check_reservation(
    partition: Record,
    request: Request,
    reservations: Sequence[Record] | None,
    limits: list[Limit],
    unchecked: list[str],
) -> None:
    if reservations is None:
        unchecked.append("Reservations")
    if request.reservation is None:
        if partition.get("requires_reservation"):
            limits.append(Limit("ReqResv", "YES", None))
        return
    if reservations is None:
        return
    own = next((entry for entry in reservations if entry["name"] == request.reservation), None)
    if own is None:
        limits.append(Limit("Reservation", None, request.reservation))
        return
    usable, partitions = may_use(own, request), own.get("allowed_partitions") or ()
    included = [name for name in partitions if not name.startswith("-")]
    name = partition["name"]
    if usable is False or f"-{name}" in partitions or (included and name not in included):
        limits.append(Limit("Reservation", request.reservation, request.user or request.account))
    elif usable is None:
        unchecked.append("Reservation")


def _number(value: Any) -> int | None:
    """Returns a limit, None for `UNLIMITED`, null and 0, which is unset."""
    return value if isinstance(value, int) and value > 0 else None


def _limit_of(value: Any) -> float:
    return value if isinstance(value, int) else math.inf


def _published(seconds: float) -> int | str:
    return "UNLIMITED" if seconds == math.inf else int(seconds)
