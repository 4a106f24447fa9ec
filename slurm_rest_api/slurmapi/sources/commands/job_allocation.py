"""Reads what a job holds on each node from the lines `Nodes=… CPU_IDs=… Mem=… GRES=…` of `scontrol -d show job`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from slurm_rest_api.slurm.gres import gres_counts
from slurm_rest_api.slurmapi.sources.allocation import AllocationFields, CoreLists, even_allocation
from slurm_rest_api.slurmapi.sources.hostlists import expand_known

# Mem has a unit until 16.05 (`Mem=400M`).
_LAYOUT: Final = re.compile(r"Nodes=(\S+) CPU_IDs=(\S*) Mem=(\d+)\S*(?: GRES(_IDX)?=(\S*))?\s*")


def job_allocation(
    layout: Iterable[str],
    nodes: str | None,
    num_cpus: int,
    memory: tuple[int | None, int | None],
    cores: CoreLists,
    requested_gres: str | None = None,
) -> AllocationFields:
    """Returns the four allocation fields of a job that holds nodes.

    Args:
        layout: The lines by group of nodes. Select plugins without cores (select/linear) print none.
        nodes: Allocated nodes as a hostlist.
        num_cpus: CPUs of the whole job.
        memory: Requested MiB for each CPU and for each node.
        cores: Cache of expanded CPU lists.
        requested_gres: `Gres` of releases until 18.08, which is the request for each node.

    A job on one node has `num_cpus` there: the list of CPUs has all threads of its cores.
    Nodes that the layout has and `nodes` lacks are released already (COMPLETING).
    """
    held = set(expand_known(nodes))
    cpus: dict[str, int] = {}
    ids: dict[str, list[int]] = {}
    mib: dict[str, int] = {}
    gres: dict[str, dict[str, int]] = {}
    for line in layout:
        match = _LAYOUT.fullmatch(line)
        if match is None:
            return even_allocation(nodes, num_cpus, *memory)
        hostlist, cpu_ids, memory_text, has_indices_only, gres_text = match.groups()
        for node in [hostlist] if hostlist in held else expand_known(hostlist):
            if node in held:
                ids[node] = list(cores[cpu_ids])
                cpus[node] = len(ids[node])
                mib[node] = int(memory_text)
                gres[node] = gres_counts(gres_text)
                if gres_text is None or has_indices_only:
                    gres[node] = _with_requested(gres[node], requested_gres)
    if not cpus:
        return even_allocation(nodes, num_cpus, *memory)
    if len(cpus) == 1:
        cpus = dict.fromkeys(cpus, num_cpus)
    return {"cpus_allocated": cpus, "mem_allocated": mib, "cpus_alloc_layout": ids, "gres_allocated": gres}


def _with_requested(held: dict[str, int], requested: str | None) -> dict[str, int]:
    """Adds what a job asked for and its layout leaves out.

    The layout has no GRES before 17.02, and until 18.08 (`GRES_IDX`) only those with device numbers.
    """
    names = {key.partition(":")[0] for key in held}
    return held | {key: count for key, count in gres_counts(requested).items() if key.partition(":")[0] not in names}
