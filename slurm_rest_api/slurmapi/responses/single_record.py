"""Finds one record by its name, or a job by its id: `123`, `123_7` (array task), `123+1` (heterogeneous job)."""

from __future__ import annotations

import re
from typing import Final

from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.slurmapi.store.conditions import Condition, all_of, compares, has_waiting_task
from slurm_rest_api.slurmapi.store.index_columns import Kind
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView

_JOB: Final = re.compile(r"(\d{1,10})(?:([_+ ])(\d{1,10}))?", re.ASCII)


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
        raise NotFound(f"There is no {kind.removesuffix('s')} {name!r}.")
    return found


def _job(view: StoreView, text: str, visible: Condition) -> bytes:
    match = _JOB.fullmatch(text)
    if match is None:
        raise BadParameter(f"{text!r} is no job id; expected one such as 123, 123_7 or 123+1.", parameter="jobid")
    found = _one(view, "queue", all_of([visible, _has_id(int(match[1]), match[2], match[3])]))
    if found is None and match[2] == "_":
        pending = all_of(
            [compares("array_job_id", "=", int(match[1])), has_waiting_task("array_task_str", int(match[3]))]
        )
        found = _one(view, "queue", all_of([visible, pending]))
    if found is None:
        raise NotFound(
            f"There is no job {text}. slurmctld forgets a job some minutes after its end (MinJobAge). /history has it"
            " longer."
        )
    return found


def _has_id(job: int, separator: str | None, part: str) -> Condition:
    if separator is None:
        return compares("key", "=", job)
    # A plus sign in a path may arrive as a blank.
    whole, offset = ("array_job_id", "array_task_id") if separator == "_" else ("het_job_id", "het_job_offset")
    return all_of([compares(whole, "=", job), compares(offset, "=", int(part))])


def _one(view: StoreView, kind: Kind, where: Condition) -> bytes | None:
    for _, body in view.bodies(kind, view.ordered_keys(Selection(kind, where, limit=1))):
        return body
    return None
