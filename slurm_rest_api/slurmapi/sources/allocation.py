"""Computes what a job holds on each node: CPUs, memory and generic resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from slurm_rest_api.slurm.gres import gres_counts
from slurm_rest_api.slurmapi.sources.hostlists import expand_known

Cores = tuple[int, ...]


class NodeLayout(TypedDict):
    """One node of `pyslurm.Job.get_resource_layout_per_node()`.

    Keys:
        cpu_ids: Text of core indexes, `0-2,5`.
        memory: MiB.
        gres: Slurm's text of the node's GRES that the job holds, `gpu:tesla:1(IDX:0)`.
    """

    cpu_ids: str | None
    memory: int | None
    gres: str | None


class AllocationFields(TypedDict):
    """The fields of a published job by node: CPUs, MiB, CPU numbers, and counts of GRES by name and type."""

    cpus_allocated: dict[str, int]
    mem_allocated: dict[str, int]
    cpus_alloc_layout: dict[str, list[int]]
    gres_allocated: dict[str, dict[str, int]]


class CoreLists(dict[str, Cores]):
    """Core indexes by their text: `"0-2,5"` is `(0, 1, 2, 5)`. A cache for one load."""

    def __missing__(self, text: str) -> Cores:
        self[text] = tuple(map(int, expand_known(f"[{text}]"))) if text else ()
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
    for node, held in layout.items():
        cores, per_core = core_lists[held["cpu_ids"] or ""], threads.get(node, 1)
        ids[node] = [core * per_core + thread for core in cores for thread in range(per_core)]
        cpus[node] = len(ids[node])
    if len(cpus) == 1:
        cpus = dict.fromkeys(cpus, num_cpus)
    return {
        "cpus_allocated": cpus,
        "mem_allocated": {node: held["memory"] or 0 for node, held in layout.items()},
        "cpus_alloc_layout": ids,
        "gres_allocated": {node: gres_counts(held["gres"]) for node, held in layout.items()},
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
    names = expand_known(nodes)
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
