"""Reservations and licenses of the simulated cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from slurm_rest_api.demo.hardware import HIDDEN_PARTITION, Node, node_list
from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.layouts import Outage
from slurm_rest_api.slurmapi.sources.base import Record

LICENSES: Final = {"cfd_wing": "fluent", "fem_bridge": "ansys"}
"""The license that a job with a name needs."""

_HOUR: Final = 3600
_DAY: Final = 86400
_FIRST_MONDAY: Final = 4 * _DAY


def license_of(job_name: str) -> dict[str, int]:
    """Returns the licenses of a job by name."""
    return {LICENSES[job_name]: 1} if job_name in LICENSES else {}


def reservation_records(nodes: tuple[Node, ...], outages: Iterable[Outage], now: int) -> list[Record]:
    """Returns the reservations at epoch second `now`.

    They are a maintenance of all nodes on the next Monday, the course of an account on one node, and one for each
    node that is in maintenance.
    """
    monday = (now - _FIRST_MONDAY) // (7 * _DAY) * 7 * _DAY + _FIRST_MONDAY + 7 * _DAY
    today = now // _DAY * _DAY
    return [
        _reservation("maintenance", nodes, monday + 6 * _HOUR, 4 * _HOUR)
        | {"flags": ["MAINT", "SPEC_NODES", "ALL_NODES"], "users": ["root"], "comment": "Monthly updates"},
        _reservation("course", reserved_for_course(nodes), today, _DAY)
        | {"flags": ["IGNORE_JOBS", "SPEC_NODES"], "accounts": ["learning"], "max_start_delay": 300},
        *(
            _reservation(f"maint_{outage.node.name}", (outage.node,), outage.since, outage.until - outage.since)
            | {"flags": ["MAINT", "OVERLAP", "SPEC_NODES"], "users": ["root"], "comment": outage.reason}
            for outage in outages
            if "RESERVED" in outage.flags
        ),
    ]


def reserved_for_course(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Returns the node of the course, which is in the state RESERVED every day: the last one that users see."""
    return tuple(node for node in nodes if node.kind.partitions != (HIDDEN_PARTITION,))[-1:]


def license_records(nodes: Iterable[Node], running: Iterable[Job]) -> list[Record]:
    """Returns the licenses. There are as many of each as CPUs, so that no job waits for one."""
    used = dict.fromkeys(LICENSES.values(), 0)
    for job in running:
        for name, count in license_of(job.name).items():
            used[name] += count
    total = sum(node.kind.cpus for node in nodes)
    return [
        {
            "name": name, "total": total, "used": count, "free": total - count, "reserved": 0, "remote": False,
            "last_consumed": None, "last_deficit": None, "last_update": None, "layers": [],
        }
        for name, count in sorted(used.items())
    ]  # fmt: skip


def _reservation(name: str, nodes: tuple[Node, ...], start: int, seconds: int) -> dict[str, Any]:
    cpus = sum(node.kind.cpus for node in nodes)
    return {
        "name": name, "state": None, "start_time": start, "end_time": start + seconds, "duration": seconds,
        "nodes": node_list(nodes), "node_cnt": len(nodes), "core_cnt": cpus, "core_ids": {}, "partition": None,
        "features": None, "licenses": {}, "tres_str": f"cpu={cpus}", "burst_buffer": None, "watts": None, "flags": [],
        "purge_comp_time": None, "max_start_delay": None, "comment": None, "users": None, "groups": None,
        "accounts": None, "qos": None, "allowed_partitions": None,
    }  # fmt: skip
