"""Computes what a job holds on each node: CPUs, memory and generic resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from slurm_rest_api.slurmapi.sources.formats import gres_count

CORE_TEXT_LIMIT = 127
"""pyslurm writes a node's cores into a buffer of 128 bytes. A text of that length was cut."""

Cores = tuple[int, ...]


class NodeLayout(TypedDict):
    """One node of `pyslurm.Job.get_resource_layout_per_node()`.

    Keys:
        cpu_ids: Text of core indexes, `0-2,5`.
        memory: MiB.
        gres: By name and type a count, or a dictionary with `count`.
    """

    cpu_ids: str | None
    memory: int | None
    gres: Mapping[str, Any] | None


class AllocationFields(TypedDict):
    """The fields of a published job by node: CPUs, MiB, CPU numbers, and counts of GRES by name and type."""

    cpus_allocated: dict[str, int]
    mem_allocated: dict[str, int]
    cpus_alloc_layout: dict[str, list[int]]
    gres_allocated: dict[str, dict[str, int]]


class CoreLists(dict[str, Cores]):
    """Core indexes by their text: `"0-2,5"` is `(0, 1, 2, 5)`. A cache for one load."""

    def __missing__(self, text: str) -> Cores:
        # The last term of a cut text may have lost digits.
        terms = text.split(",")[:-1] if len(text) >= CORE_TEXT_LIMIT else text.split(",")
        cores: list[int] = []
        for term in filter(None, terms):
            first, _, last = term.partition("-")
            cores.extend(range(int(first), int(last or first) + 1))
        self[text] = tuple(cores)
        return self[text]


def no_allocation() -> AllocationFields:
    """Returns the four allocation fields of a job that holds nothing."""
    return {"cpus_allocated": {}, "mem_allocated": {}, "cpus_alloc_layout": {}, "gres_allocated": {}}


def allocation(
    layout: Mapping[str, NodeLayout], threads: Mapping[str, int], num_cpus: int, core_lists: CoreLists
) -> AllocationFields:
    """Returns the four allocation fields of a job.

    pyslurm has cores where Slurm has CPUs. A core with two threads is two CPUs, numbered as in `scontrol show job -d`.
    On a single node the CPU count of the job is exact.

    Args:
        layout: The layout by node.
        threads: Threads per core by node. 1 for other nodes.
        num_cpus: CPUs of the whole job.
        core_lists: Cache of expanded core texts.
    """
    cpus: dict[str, int] = {}
    ids: dict[str, list[int]] = {}
    cut: list[str] = []
    for node, held in layout.items():
        text = held["cpu_ids"] or ""
        cores, per_core = core_lists[text], threads.get(node, 1)
        ids[node] = [core * per_core + thread for core in cores for thread in range(per_core)]
        cpus[node] = len(ids[node])
        if len(text) >= CORE_TEXT_LIMIT:
            cut.append(node)
    if len(cpus) == 1:
        cpus = dict.fromkeys(cpus, num_cpus)
    elif cut:
        known = sum(count for node, count in cpus.items() if node not in cut)
        cpus |= spread(max(num_cpus - known, 0), cut)
    return {
        "cpus_allocated": cpus,
        "mem_allocated": {node: held["memory"] or 0 for node, held in layout.items()},
        "cpus_alloc_layout": ids,
        "gres_allocated": {
            node: {name: gres_count(count) for name, count in (held["gres"] or {}).items()}
            for node, held in layout.items()
        },
    }


def spread(count: int, nodes: list[str]) -> dict[str, int]:
    """Spreads a count evenly over nodes. The first nodes get the remainder."""
    share, rest = divmod(count, len(nodes))
    return {node: share + (1 if index < rest else 0) for index, node in enumerate(nodes)}


def even_allocation(
    nodes: str | None, num_cpus: int, memory_per_cpu: int | None, memory_per_node: int | None
) -> AllocationFields:
    """Returns the four allocation fields without a layout: CPUs spread evenly, memory as requested.

    Args:
        nodes: Allocated nodes as a hostlist.
        num_cpus: CPUs of the whole job.
        memory_per_cpu: MiB, or None.
        memory_per_node: MiB, or None. Ignored if there is memory_per_cpu.
    """
    names = list(NodeSet(nodes, resolver=RESOLVER_NOGROUP)) if nodes else []
    if not names:
        return no_allocation()
    cpus = spread(num_cpus, names)
    return {
        "cpus_allocated": cpus,
        "mem_allocated": {
            node: memory_per_cpu * count if memory_per_cpu else (memory_per_node or 0) for node, count in cpus.items()
        },
        "cpus_alloc_layout": {node: [] for node in names},
        "gres_allocated": {node: {} for node in names},
    }
