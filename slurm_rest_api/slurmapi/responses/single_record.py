"""Finds one record by its name, or a job by its id: `123`, `123_7` (array task), `123+1` (heterogeneous job)."""

from __future__ import annotations

from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.slurmapi.store.conditions import Condition, all_of, compares, has_waiting_task
from slurm_rest_api.slurmapi.store.index_columns import Kind
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.error_texts import shown
from slurm_rest_api.web.job_ids import JobId, parse_job_id


def find(view: StoreView, kind: Kind, name: str, visible: Condition) -> bytes:
    """Returns the rendered record of `kind` that is called `name`.

    Pending tasks of an array share one record. A record that does not meet `visible` is not found.

    Raises:
        BadParameter: `name` is no job id, and `kind` is "queue".
        NotFound: there is no such record.
    """
    if kind == "queue":
        return _job(view, name, visible)
    found = _one(view, kind, all_of([visible, compares("key", "=", name)]))
    if found is None:
        raise NotFound(f"There is no {kind.removesuffix('s')} {shown(name)}.")
    return found


def _job(view: StoreView, text: str, visible: Condition) -> bytes:
    try:
        job = parse_job_id(text)
    except ValueError as error:
        raise BadParameter(f"Invalid job id: {shown(text)}. {str(error).capitalize()}.", parameter="jobid") from None
    found = _one(view, "queue", all_of([visible, _has_id(job)]))
    if found is None and job.task is not None:
        pending = all_of([compares("array_job_id", "=", job.job), has_waiting_task("array_task_str", job.task)])
        found = _one(view, "queue", all_of([visible, pending]))
    if found is None:
        raise NotFound(
            f"There is no job {text}. slurmctld forgets a job some minutes after its end (MinJobAge). /history has it"
            " longer."
        )
    return found


def _has_id(job: JobId) -> Condition:
    if job.task is not None:
        return all_of([compares("array_job_id", "=", job.job), compares("array_task_id", "=", job.task)])
    if job.component is not None:
        return all_of([compares("het_job_id", "=", job.job), compares("het_job_offset", "=", job.component)])
    return compares("key", "=", job.job)


def _one(view: StoreView, kind: Kind, where: Condition) -> bytes | None:
    for _, body in view.bodies(kind, view.ordered_keys(Selection(kind, where, limit=1))):
        return body
    return None
