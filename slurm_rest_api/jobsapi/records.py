"""Converts records of the snapshot store and of the accounting database to the fields of /jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from slurm_rest_api.acctapi import encodings, states
from slurm_rest_api.acctapi.jobs_by_id import LastAttempt, Names, Row
from slurm_rest_api.jobsapi.contract import MoreOfAJob
from slurm_rest_api.slurm.array_tasks import count_tasks
from slurm_rest_api.slurm.partitions import shown_partitions
from slurm_rest_api.slurm.reasons import reason_name
from slurm_rest_api.slurm.states import JOBS, Phase, job_state_words

Record = dict[str, Any]

LATE_SECONDS: Final = 60
"""A job that the database has as not ended for longer than this, and that slurmctld did not have, is a runaway job."""


class Entry(NamedTuple):
    """A job of either source with the ids that name it. `record` lacks the field `id`.

    `tasks` are the pending tasks of an array, as a list or as slurmdbd's bit mask. `components` is the number of
    components of the heterogeneous job that it belongs to, 1 for all others.
    """

    job: int
    array: int | None
    task: int | None
    tasks: str | None
    leader: int | None
    component: int | None
    components: int
    submitted: int
    record: Record

    @property
    def text(self) -> str:
        """The id that squeue prints."""
        if self.leader is not None:
            return f"{self.leader}+{self.component}"
        if self.array is None:
            return str(self.job)
        return f"{self.array}_[{tasks_text(self.tasks)}]" if self.task is None else f"{self.array}_{self.task}"


def tasks_text(tasks: str | None) -> str:
    """Returns the pending tasks of an array as squeue prints them."""
    return (encodings.array_tasks(tasks, None) or "").strip("[]")


@lru_cache(maxsize=256)
def phase_of(state: str) -> Phase:
    """Returns the phase of a job in a state such as `RUNNING` or `COMPLETED+COMPLETING`. An unknown one is active."""
    words = job_state_words(state)
    if "COMPLETING" in words:
        return "active"
    known = JOBS.get(words[0]) if words else None
    return "active" if known is None else known.phase


# From the snapshot store.


def entry_of_queue(job: Mapping[str, Any], fields: Collection[str]) -> Entry:
    """Converts a record of /queue."""
    array, leader = job.get("array_job_id"), job.get("het_job_id")
    task = job.get("array_task_id")
    return Entry(
        job=job["job_id"],
        array=array,
        task=task,
        tasks=job.get("array_task_str") if array is not None and task is None else None,
        leader=leader,
        component=job.get("het_job_offset"),
        components=count_tasks(job.get("het_job_id_set")) if leader is not None else 1,
        submitted=job.get("submit_time") or 0,
        record=_of_queue(job, fields),
    )


def _of_queue(job: Mapping[str, Any], fields: Collection[str]) -> Record:
    phase = phase_of(job["job_state"])
    is_ended = phase == "ended"
    code, signal = _exit(job.get("exit_code"))
    derived_code, derived_signal = _exit(job.get("derived_ec"))
    start, end, nodes = job.get("start_time") or None, job.get("end_time") or None, job.get("nodes")
    # slurmctld gives a job that is cancelled before it starts the same time for both.
    has_started = phase != "pending" and not (is_ended and start == end and nodes is None)
    reason = job.get("state_reason")
    record: Record = {
        "job_id": job["job_id"],
        "state": job["job_state"],
        "phase": phase,
        "reason": None if reason in (None, "None") else reason,
        "exit_code": code if is_ended else None,
        "exit_signal": signal if is_ended else None,
        "derived_exit_code": derived_code if is_ended else None,
        "submit_time": job.get("submit_time") or None,
        "start_time": start if has_started else None,
        "end_time": end if is_ended else None,
        "nodes": nodes,
        "restarts": job.get("restart_cnt") or 0,
        "source": "queue",
        "runaway": False,
    }
    for field in fields:
        if field not in record and field in _MORE:
            record[field] = job.get(field)
    if "eligible_time" in fields:
        record["eligible_time"] = job.get("eligible_time") or None
    if "derived_exit_signal" in fields:
        record["derived_exit_signal"] = derived_signal if is_ended else None
    return record


def _exit(text: str | None) -> tuple[int, int]:
    """Returns code and signal of `code:signal`."""
    code, _, signal = (text or "0:0").partition(":")
    return int(code), int(signal or 0)


# From the accounting database.

_Field = tuple[tuple[str, ...], Callable[[Row, Names], Any]]
"""The columns that a field is computed from, in addition to `jobs_by_id.COLUMNS`, and the computation."""


def _column(name: str) -> _Field:
    return (name,), lambda row, _names: row.get(name) or None


def _user(row: Row, names: Names) -> str:
    association = names.association(row)
    return association.user if association and association.user else names.users.user(row["id_user"])


def _account(row: Row, names: Names) -> str | None:
    association = names.association(row)
    return (association.acct if association else None) or row["account"] or None


def _time_limit(row: Row, _names: Names) -> str | int | None:
    return encodings.time_limit(row["timelimit"], "epoch")


_OF_HISTORY: Final[Mapping[str, _Field]] = {
    "name": _column("job_name"),
    "user_id": (("id_user",), lambda row, _: row["id_user"]),
    "user_name": (("id_user", "id_assoc"), _user),
    "group_id": (("id_group",), lambda row, _: row["id_group"]),
    "account": (("account", "id_assoc"), _account),
    "partition": (("partition",), lambda row, names: shown_partitions(row["partition"], names.hidden) or None),
    "qos": (("id_qos",), lambda row, names: names.qos(row["id_qos"])),
    "wckey": _column("wckey"),
    "cluster": ((), lambda _, names: names.cluster),
    "array_task_str": (("array_max_tasks",), lambda _row, _names: None),
    "eligible_time": (("time_eligible",), lambda row, _: encodings.known(row["time_eligible"])),
    "time_limit": (("timelimit",), _time_limit),
    "derived_exit_signal": ((), lambda row, _: encodings.exit_status(row["derived_ec"]).signal),
    "failed_node": _column("failed_node"),
    "work_dir": _column("work_dir"),
    "container": _column("container"),
    "comment": _column("derived_es"),
    "admin_comment": _column("admin_comment"),
    "system_comment": _column("system_comment"),
}
_OF_PARTS: Final = frozenset(("array_job_id", "array_task_id", "array_task_str", "het_job_id", "het_job_offset"))
_WITH_NAMES: Final = frozenset(("user_name", "account", "qos"))
_ENDED_ONLY: Final = frozenset(("derived_exit_signal",))
_MORE: Final = frozenset(MoreOfAJob.model_fields)


def columns_of(fields: Collection[str]) -> list[str]:
    """Returns the columns of the job table that `fields` need in addition to `jobs_by_id.COLUMNS`."""
    return list(dict.fromkeys(name for field in fields for name in _OF_HISTORY.get(field, ((), None))[0]))


def need_names(fields: Collection[str]) -> bool:
    """Returns True if one of `fields` is a name that the job table has as a number."""
    return not _WITH_NAMES.isdisjoint(fields)


def entry_of_history(attempt: LastAttempt, names: Names, fields: Collection[str], loaded_at: float) -> Entry:
    """Converts the newest record of a job that the snapshot of the epoch second `loaded_at` lacks."""
    return Entry(
        job=attempt.job,
        array=attempt.array,
        task=attempt.task,
        tasks=attempt.tasks if attempt.task is None else None,
        leader=attempt.leader,
        component=attempt.component,
        components=1,
        submitted=attempt.row["time_submit"],
        record=_of_history(attempt, names, fields, loaded_at),
    )


def _of_history(attempt: LastAttempt, names: Names, fields: Collection[str], loaded_at: float) -> Record:
    row = attempt.row
    state = states.long_name(row["state"])
    end = encodings.known(row["time_end"])
    phase: Phase = "ended" if end is not None and phase_of(state) == "active" else phase_of(state)
    is_ended = phase == "ended"
    code, derived = encodings.exit_status(row["exit_code"]), encodings.exit_status(row["derived_ec"])
    submitted, started = encodings.known(row["time_submit"]), encodings.known(row["time_start"])
    nodes = encodings.hostlist(row["nodelist"])
    has_started = phase != "pending" and not (is_ended and started == end and nodes is None)
    since = (submitted if phase == "pending" else started) or submitted or 0
    restarts = row.get("restart_cnt")
    record: Record = {
        "job_id": attempt.job,
        "state": state,
        "phase": phase,
        "reason": reason_name(row.get("state_reason_prev")) if phase == "pending" else None,
        "exit_code": code.code if is_ended else None,
        "exit_signal": code.signal if is_ended else None,
        "derived_exit_code": derived.code if is_ended else None,
        "submit_time": submitted,
        "start_time": started if has_started else None,
        "end_time": end if is_ended else None,
        "nodes": nodes,
        "restarts": attempt.requeues if restarts is None else restarts,
        "source": "history",
        "runaway": not is_ended and loaded_at - since > LATE_SECONDS,
    }
    for field in fields:
        if field in _OF_HISTORY:
            shown = is_ended or field not in _ENDED_ONLY
            record[field] = _OF_HISTORY[field][1](row, names) if shown else None
    if not _OF_PARTS.isdisjoint(fields):
        record |= {
            "array_job_id": attempt.array,
            "array_task_id": attempt.task,
            "array_task_str": encodings.array_tasks(attempt.tasks, row.get("array_max_tasks")),
            "het_job_id": attempt.leader,
            "het_job_offset": attempt.component,
        }
    return record
