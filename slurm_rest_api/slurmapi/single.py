"""One record by its name or id: `123`, `123_7` (an array's task) and `123+1` (a heterogeneous job's component)."""

from __future__ import annotations

import re
from typing import Final

from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.slurmapi.array_tasks import has_task
from slurm_rest_api.slurmapi.store.columns import Kind
from slurm_rest_api.slurmapi.store.conditions import Condition, all_of, compares
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.slurmapi.store.selection import Selection

_JOB: Final = re.compile(r"(\d{1,10})(?:([_+ ])(\d{1,10}))?", re.ASCII)


def find(view: StoreView, kind: Kind, name: str) -> bytes:
    """The rendered record of `kind` that `name` names; for a task that still waits, the record that stands for it.

    Raises:
        BadParameter: a job is asked for, and `name` is no job id.
        NotFound: there is none.
    """
    if kind == "queue":
        return _job(view, name)
    found = _one(view, kind, compares("key", "=", name))
    if found is None:
        raise NotFound(f"There is no {kind.removesuffix('s')} {name!r}.")
    return found


def _job(view: StoreView, text: str) -> bytes:
    match = _JOB.fullmatch(text)
    if match is None:
        raise BadParameter(f"{text!r} is no job id; expected one such as 123, 123_7 or 123+1.", parameter="jobid")
    job, separator, part = int(match[1]), match[2], match[3]
    if separator is None:
        found = _one(view, "queue", compares("key", "=", job))
    elif separator == "_":
        found = _task(view, job, int(part))
    else:
        # A plus sign in a path may arrive as a blank.
        found = _one(
            view, "queue", all_of([compares("het_job_id", "=", job), compares("het_job_offset", "=", int(part))])
        )
    if found is None:
        raise NotFound(
            f"There is no job {text}. slurmctld forgets a job some minutes after its end (MinJobAge); /history knows it"
            " longer."
        )
    return found


def _one(view: StoreView, kind: Kind, where: Condition) -> bytes | None:
    for _, body in view.bodies(kind, view.places(Selection(kind, where, limit=1))):
        return body
    return None


def _task(view: StoreView, job: int, task: int) -> bytes | None:
    in_array = compares("array_job_id", "=", job)
    own = _one(view, "queue", all_of([in_array, compares("array_task_id", "=", task)]))
    if own is not None:
        return own
    waiting = view.waiting_tasks(job)
    return next((body for tasks, body in waiting if has_task(tasks, task)), None)
