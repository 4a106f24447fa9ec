"""Records of a small cluster for the tests of availability."""

from __future__ import annotations

from typing import Any

import orjson

from slurm_rest_api.slurmapi.availability.compute import compute
from slurm_rest_api.slurmapi.availability.model import Request
from slurm_rest_api.slurmapi.availability.nodes import NodeTable, parse_nodes
from slurm_rest_api.slurmapi.collector.node_gres import with_gpus
from slurm_rest_api.slurmapi.collector.node_groups import node_groups
from tests.builders import make_node, make_partition

NOW = 1_795_651_200
Record = dict[str, Any]


def node(name: str = "n1", **fields: Any) -> Record:
    """Returns an idle node of 16 CPUs (2 threads a core) and 64000 MiB. GPUs are counted in `gres`, `gres_used`."""
    usual = {"cpus": 16, "effective_cpus": 16, "threads": 2, "real_memory": 64_000, "mem_spec_limit": 0, "owner": None}
    (found,) = with_gpus([make_node(name, **{**usual, "gres": [], "gres_used": [], **fields})])
    return found


def partition(name: str = "main", **fields: Any) -> Record:
    """Returns a partition without limits."""
    usual = {
        "default_time": "NONE",
        "max_time": "UNLIMITED",
        "allow_accounts": "ALL",
        "deny_accounts": None,
        "allow_qos": "ALL",
        "deny_qos": None,
        "allow_groups": "ALL",
        "flags": {"RootOnly": 0, "Shared": "NO"},
        "requires_reservation": False,
        "def_mem_per_cpu": None,
        "def_mem_per_node": "UNLIMITED",
        "max_mem_per_cpu": None,
        "max_mem_per_node": "UNLIMITED",
        "max_cpus_per_node": "UNLIMITED",
        "max_nodes": "UNLIMITED",
        "min_nodes": 0,
    }
    return make_partition(name, **{**usual, **fields})


def reservation(nodes: str, start: int = -3600, end: int = 3600, **fields: Any) -> Record:
    """Returns a reservation for alice. Its times are seconds from NOW."""
    usual: Record = {"name": "course", "users": ["alice"], "accounts": None, "flags": [], "core_ids": {}}
    return {**usual, "nodes": nodes, "start_time": NOW + start, "end_time": NOW + end, **fields}


def table(nodes: list[Record]) -> NodeTable:
    """Returns the nodes in groups, as they are read from the store."""
    return parse_nodes(orjson.dumps(node_groups(nodes)))


def ask(
    request: Request, nodes: list[Record], partitions: list[Record], reservations: list[Record] | None = None
) -> dict[str, Record]:
    """Returns the published records by partition."""
    found = compute(request, partitions, table(nodes), reservations or [], NOW)
    return {record["partition"]: record for record in found}
