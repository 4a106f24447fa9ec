"""Returns the published fields of a job in which it differs from jobs that are submitted in the same way.

Reading all attributes of a job and making its record takes ten times as long. `pyslurm_build/raw_jobs.py` tells which
jobs differ in these alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL
from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import TimeTexts, number_or_none
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes

UNSET_TASK = str(NO_VAL)
"""NO_VAL, which Slurm writes for `%a` in file names of a record for many array tasks."""

MOST_SHAPES: Final = 2_000
"""Jobs of which the record is kept for similar ones. Each takes some 8 KiB."""


class OwnAttributes(NamedTuple):
    """The values of `raw_own`, which are those of pyslurm's properties."""

    id: int
    submit_session_id: int | None
    name: str | None
    command: str | None
    working_directory: str | None
    comment: str | None
    admin_comment: str | None
    system_comment: str | None
    extra: str | None
    submit_time: int | None
    eligible_time: int | None
    accrue_time: int | None
    start_time: int | None
    end_time: int | None
    last_sched_evaluation_time: int | None
    standard_input: str | None
    standard_output: str | None
    standard_error: str | None


_own_values = attrgetter(*OwnAttributes._fields)


def own_attributes(a: JobAttributes) -> OwnAttributes:
    """Returns the own attributes among all attributes of a job."""
    return OwnAttributes._make(_own_values(a))


def own_fields(own: OwnAttributes, like: JobAttributes, times: TimeTexts, now: float) -> Record:
    """Returns the fields that come from `own`.

    Args:
        own: The own attributes of the job.
        like: Attributes that are, apart from the own ones and the priority, those of the job.
        times: Texts of times.
        now: Epoch second.
    """
    output = _file(like, own.standard_output)
    return {
        "job_id": own.id,
        "alloc_sid": _count(own.submit_session_id),
        "name": own.name,
        "command": own.command,
        "work_dir": own.working_directory,
        "comment": own.comment,
        "admin_comment": own.admin_comment,
        "system_comment": own.system_comment,
        "extra": own.extra,
        "submit_time": _count(own.submit_time),
        "eligible_time": _count(own.eligible_time),
        "accrue_time": times[own.accrue_time],
        "start_time": _count(own.start_time),
        "end_time": _end_time(own.end_time, like, now),
        "last_sched_eval": times[own.last_sched_evaluation_time],
        "std_in": _file(like, own.standard_input),
        "std_out": output,
        "std_err": _file(like, own.standard_error) or output,
    }


class JobShapes:
    """Keeps records of pending jobs, and makes those of other jobs with the same shape (`raw_shape`) from them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[JobAttributes, Record]] = {}

    def add(self, shape: int, a: JobAttributes, record: Record) -> None:
        """Keeps a record and the attributes that it is made of. The oldest one goes where there are too many."""
        if len(self._known) >= MOST_SHAPES:
            del self._known[next(iter(self._known))]
        self._known[shape] = a, record

    def get(self, shape: int | None) -> tuple[JobAttributes, Record] | None:
        """Returns the attributes and the record of a job with the shape, None if there is none."""
        return None if shape is None else self._known.get(shape)


def similar_record(
    record: Mapping[str, Any], own: OwnAttributes, like: JobAttributes, priority: int, times: TimeTexts, now: float
) -> Record:
    """Returns the record of a pending job with the shape of the job that has `record`. `priority` is slurmctld's."""
    published = 0 if priority in (NO_VAL, INFINITE) else priority
    return {**record, **own_fields(own, like, times, now), "priority": published}


def has_passed_its_year(raw_time_limit: int | None, end_time: Any, now: float) -> bool:
    """Return True if a job without a limit has run for longer than the year with which slurmctld computes.

    scontrol prints `Unknown` for its end before (src/scontrol/info_job.c).
    """
    return raw_time_limit == INFINITE and (number_or_none(end_time) or 0) <= now


def _end_time(end_time: int | None, like: JobAttributes, now: float) -> int | None:
    end = number_or_none(end_time) or 0
    is_unlimited = like.raw_time_limit == INFINITE
    if is_unlimited and not has_passed_its_year(like.raw_time_limit, end_time, now):
        end = 0
    return end or (None if is_unlimited and holds_nodes(like.state) else 0)


def _count(value: Any) -> int:
    return value if value.__class__ is int else 0


def _file(a: JobAttributes, path: str | None) -> str | None:
    if not path or not a.is_batch_job:
        return None
    return path.replace(UNSET_TASK, "%a") if a.array_id and a.raw_array_task_id == NO_VAL else path
