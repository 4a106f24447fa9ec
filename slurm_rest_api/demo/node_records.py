"""Published node records of the simulated cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.demo.hardware import CLUSTER, Node, gres
from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.layouts import Outage
from slurm_rest_api.demo.reservation_records import reserved_for_course
from slurm_rest_api.demo.timeline import Moment
from slurm_rest_api.slurm.states import NodeState, node_state_text
from slurm_rest_api.slurmapi.sources.base import Record

_DAY: Final = 86400
_SLURM_VERSION: Final = "demo"


@dataclass
class Use:
    """Resources of one node that running jobs hold. `started` is the start of the latest of them."""

    cpus: int = 0
    memory: int = 0
    gpus: int = 0
    started: int = 0


def _uses(nodes: tuple[Node, ...], running: Iterable[Job]) -> list[Use]:
    """Returns the use of each node, in the order of `nodes`."""
    found = [Use() for _ in nodes]
    for job in running:
        share = job.share
        for node in share.nodes:
            use = found[node.number]
            use.cpus += share.cpus
            use.memory += share.memory
            use.gpus += share.gpus
            use.started = max(use.started, job.start)
    return found


def node_records(moment: Moment, nodes: tuple[Node, ...]) -> list[Record]:
    """Returns the records of the nodes at a moment."""
    reserved = frozenset(node.name for node in reserved_for_course(nodes))
    return [
        _node_record(node, use, moment.outages.get(node.name), moment.now, is_reserved=node.name in reserved)
        for node, use in zip(nodes, _uses(nodes, moment.running), strict=True)
    ]


def _node_record(node: Node, use: Use, outage: Outage | None, now: int, *, is_reserved: bool) -> Record:
    return {**_state(node, use, outage, now, is_reserved), **_resources(node, use, now), **_hardware(node)}


def _state(node: Node, use: Use, outage: Outage | None, now: int, is_reserved: bool) -> Record:
    base = "ALLOCATED" if use.cpus == node.kind.cpus else "MIXED" if use.cpus else "IDLE"
    flags = [] if outage is None else list(outage.flags)
    if outage is not None and outage.down:
        base = "DOWN"
    if is_reserved and "RESERVED" not in flags:
        flags.append("RESERVED")
    # A maintenance reservation gives no reason.
    has_reason = outage is not None and "MAINTENANCE" not in flags
    booted = now // (30 * _DAY) * 30 * _DAY - node.number % 40 * 3600
    return {
        "name": node.name,
        "cluster": CLUSTER,
        "state": node_state_text(NodeState(base, tuple(flags))),
        "state_base": base,
        "state_flags": flags,
        "next_state": None,
        "reason": outage.reason if outage and has_reason else None,
        "reason_time": outage.since if outage and has_reason else None,
        "reason_uid": 0 if has_reason else None,
        "reason_user": "root" if has_reason else None,
        "boot_time": booted,
        "slurmd_start_time": booted + 60,
        "last_busy": now if use.cpus else booted + 60,
        "comment": None,
        "extra": None,
    }


def _resources(node: Node, use: Use, now: int) -> Record:
    kind = node.kind
    gpus = f",gres/gpu={kind.gpus}" if kind.gpus else ""
    used_gpus = f",gres/gpu={use.gpus}" if use.gpus else ""
    # CPU load and free memory of a real node differ from the allocation.
    wobble = (node.number * 31 + now // 60 * 17) % 100
    return {
        "cpus": kind.cpus,
        "effective_cpus": kind.cpus,
        "alloc_cpus": use.cpus,
        "idle_cpus": kind.cpus - use.cpus,
        "err_cpus": 0,
        "cpu_load": use.cpus * (88 + wobble // 8) + wobble // 4,
        "real_memory": kind.memory,
        "alloc_mem": use.memory,
        "idle_mem": kind.memory - use.memory,
        "free_mem": kind.memory - use.memory * (40 + wobble // 3) // 100 - kind.memory // 25,
        "mem_spec_limit": 0,
        "tmp_disk": 400_000,
        "gres": gres(kind, kind.gpus),
        "gres_used": gres(kind, use.gpus),
        "gres_drain": [],
        "tres_fmt_str": f"cpu={kind.cpus},mem={kind.memory}M{gpus}",
        "alloc_tres_fmt_str": f"cpu={use.cpus},mem={use.memory}M{used_gpus}" if use.cpus else None,
        "energy": {
            "current_watts": 0, "ave_watts": 0, "base_watts": 0, "base_consumed_energy": 0, "consumed_energy": 0,
            "previous_consumed_energy": 0,
        },
        "power_mgmt": {"cap_watts": None},
    }  # fmt: skip


def _hardware(node: Node) -> Record:
    kind = node.kind
    return {
        "arch": "x86_64",
        "os": "Linux (simulated)",
        "version": _SLURM_VERSION,
        "node_addr": node.name,
        "node_hostname": node.name,
        "bcast_address": None,
        "port": 6818,
        "boards": 1,
        "sockets": 2,
        "cores": kind.cpus // 2,
        "cores_per_socket": kind.cpus // 2,
        "threads": 1,
        "core_spec_cnt": 0,
        "cpu_spec_list": [],
        "cpu_bind": None,
        "features": kind.features,
        "features_active": kind.features,
        "partitions": list(kind.partitions),
        "owner": None,
        "mcs_label": None,
        "weight": 10 if kind.gpus else 1,
    }
