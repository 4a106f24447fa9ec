"""Returns the request of a pending job, so that its availability can be computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slurm_rest_api.slurm.gres import parse_tres_gres, tres_gpus
from slurm_rest_api.slurmapi.availability.model import UNLIMITED, Request

_MINUTE: Final = 60
# Names of `scontrol show job`, and the published fields.
_UNCHECKED: Final = {
    "Licenses": "licenses",
    "BurstBuffer": "burst_buffer",
}


def request_of_job(job: Mapping[str, Any]) -> Request:
    """Returns the request of the published record of a pending job, as if its pieces were equal on all nodes.

    CPUs and GPUs of the whole job are divided by its nodes and rounded up. GPUs of more than one model have none here.
    Conditions of the job that `Request` lacks are in `unchecked`. Its nodes by name and by features are not looked at.
    """
    get = job.get
    nodes = max(get("num_nodes") or 1, 1)
    cpus = max(-(-(get("num_cpus") or 1) // nodes), get("pn_min_cpus") or 1)
    memory = get("min_memory_node") or None
    if per_cpu := get("min_memory_cpu"):
        memory = per_cpu * cpus
    of_node, of_job = get("tres_per_node"), get("tres_per_job")
    total = tres_gpus(get("tres_req_str")) or tres_gpus(of_job)
    gpus = max(tres_gpus(of_node), -(-total // nodes))
    entries = [entry for text in (of_node, of_job) for entry in parse_tres_gres(text) if entry.name == "gpu"]
    models = {entry.type for entry in entries}
    unchecked = [name for name, field in _UNCHECKED.items() if get(field)]
    texts = (of_node, of_job, get("tres_per_socket"), get("tres_per_task"))
    if any(entry.name != "gpu" for text in texts for entry in parse_tres_gres(text)):
        unchecked.append("Gres")
    minutes = get("time_limit")
    return Request(
        cpus=cpus,
        memory_mib=memory,
        gpus=gpus,
        gpu_type=models.pop() if gpus and len(models) == 1 else None,
        nodes=nodes,
        seconds=UNLIMITED if minutes == "UNLIMITED" else minutes * _MINUTE if isinstance(minutes, int) else None,
        account=get("account"),
        qos=get("qos"),
        user=get("user_name"),
        user_id=get("user_id"),
        reservation=get("resv_name") or None,
        exclusive=get("shared") == "0",
        is_queued=True,
        unchecked=tuple(unchecked),
    )
