"""Hostlists, TRES and GRES of the simulated cluster as texts; pure."""

from __future__ import annotations

from functools import lru_cache

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from slurm_rest_api.demo.hardware import GPU_TYPE, Node
from slurm_rest_api.demo.jobs import Slot


@lru_cache(maxsize=4096)
def node_list(nodes: tuple[Node, ...]) -> str | None:
    """The nodes as a hostlist, None for none: `cn[001-006]`."""
    return str(NodeSet.fromlist([node.name for node in nodes], resolver=RESOLVER_NOGROUP)) if nodes else None


def tres_text(slot: Slot) -> str:
    """What a job on the slot has, as Slurm writes it: `cpu=16,mem=60000M,node=1,billing=16`."""
    nodes = len(slot.nodes) or 1
    gpus = f",gres/gpu={slot.gpus * nodes}" if slot.gpus else ""
    return f"cpu={slot.cpus * nodes},mem={slot.memory * nodes}M,node={nodes},billing={slot.cpus * nodes}{gpus}"


def gres(count: int) -> list[str]:
    """So many GPUs as a list of generic resources; [] for none."""
    return [f"gpu:{GPU_TYPE}:{count}"] if count else []
