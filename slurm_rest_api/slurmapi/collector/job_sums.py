"""Counts the GPUs and the tasks of one job for sums."""

from __future__ import annotations

from collections.abc import Mapping

from slurm_rest_api.slurm.array_tasks import count_tasks
from slurm_rest_api.slurm.gres import gres_gpus, tres_gpus
from slurm_rest_api.slurm.states import resources_held
from slurm_rest_api.slurmapi.sources.base import Record


def job_gpus(job: Record) -> int:
    """Returns the GPUs that a job holds, or that it requests where it holds none.

    AllocTRES has no GPUs where AccountingStorageTRES does not track them, which is Slurm's default. So they come from
    the allocation by node, and the requested ones from the options of sbatch where ReqTRES has none.
    """
    if resources_held(job.get("job_state")) in ("memory", "all"):
        # A job on select/linear, or one whose layout is unknown, has no GRES by node.
        held = allocated_gpus(job.get("gres_allocated"))
        return held or tres_gpus(job.get("tres_alloc_str")) or _requested_gpus(job)
    return _requested_gpus(job)


def allocated_gpus(by_node: Mapping[str, Mapping[str, int] | None] | None) -> int:
    """Returns the GPUs of `gres_allocated`: of `{"rack005": {"gpu:a100": 2, "shard:a100": 4}}` 2."""
    return sum(
        gres_gpus([f"{name}:{count}" for name, count in gres.items()]) for gres in (by_node or {}).values() if gres
    )


def _requested_gpus(job: Record) -> int:
    get = job.get
    if tracked := tres_gpus(get("tres_req_str")):
        return tracked
    nodes = get("num_nodes") or 1
    # --gpus, --gpus-per-node and --gres, --gpus-per-socket, --gpus-per-task. With more than one, --gpus is the total.
    if total := _gpus(get("tres_per_job")):
        return total
    return max(
        (_gpus(get("tres_per_node")) or gres_gpus(get("gres"))) * nodes,
        _gpus(get("tres_per_socket")) * nodes * _number(get("sockets_per_node")),
        _gpus(get("tres_per_task")) * _number(get("num_tasks")),
    )


def _gpus(tres: str | None) -> int:
    return gres_gpus([tres]) if tres else 0


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def task_count(job: Record) -> int:
    """Returns the number of waiting tasks in a record of an array, and 1 for other jobs.

    slurmctld counts the same (`Jobs pending` of sdiag). `squeue -r` prints a line for each, but none for the last task
    of a list with a step (seen with 26.05.5). Of a text that libslurm has cut (`1,3,5,...`) the complete indexes count.
    """
    text = job.get("array_task_str")
    if not text:
        return 1
    return max(count_tasks(text), 1)
