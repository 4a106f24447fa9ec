"""Converts rows of slurmdbd's job table to published records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slurm_rest_api.acctapi import encodings, states
from slurm_rest_api.acctapi.associations import Associations
from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.stdio_paths import Names, expand
from slurm_rest_api.acctapi.step_usage import NOTHING, StepUsage, efficiency_fields, time_efficiency
from slurm_rest_api.slurm.partitions import names_partition, shown_partitions
from slurm_rest_api.slurm.reasons import reason_name
from slurm_rest_api.slurm.sentinels import NO_VAL

Row = Mapping[Any, Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class RecordContext:
    """Names of the ids in a job's row, and the format of times.

    `user_of` returns the login name of a uid. `hidden` are the partitions to leave out. `now` is an epoch second.
    """

    associations: Associations
    qos: Mapping[int, str]
    tres: Mapping[int, str]
    user_of: Callable[[int], str]
    cluster: str
    hidden: frozenset[str]
    times: Times
    now: int
    _counts: dict[str | None, Mapping[str, int]] = field(default_factory=dict)
    _published: dict[str | None, Mapping[str, int | str]] = field(default_factory=dict)

    def tres_counts(self, text: str | None) -> Mapping[str, int]:
        """Returns counts by TRES name, as `encodings.tres`. Most jobs have the text of an earlier one."""
        found = self._counts.get(text)
        if found is None:
            found = self._counts[text] = encodings.tres(text, self.tres)
        return found

    def published_counts(self, text: str | None) -> Mapping[str, int | str]:
        """Returns the same counts as they are published, as `encodings.published_tres`."""
        found = self._published.get(text)
        if found is None:
            found = self._published[text] = encodings.published_tres(self.tres_counts(text))
        return found


def job_record(row: Row, context: RecordContext, usage: StepUsage = NOTHING, reservation: str | None = None) -> Record:
    """Returns one record of /history, with the fields of `acctapi.contract.HistoryRecord`.

    `usage` is what the job's steps used, `reservation` the name of the reservation that it used.
    """
    allocation = _allocation(row, context)
    elapsed, has_ended = allocation["elapsed"], encodings.known(row["time_end"]) is not None
    return {
        **job_identity(row, context),
        **_request(row, context),
        "reservation": reservation,
        **allocation,
        "tres_alloc": context.published_counts(row["tres_alloc"]),
        **efficiency_fields(usage, allocation["tres_alloc"], elapsed, ended=has_ended),
        "time_efficiency": time_efficiency(elapsed, row["timelimit"]),
        **_outcome(row),
    }


def job_identity(row: Row, context: RecordContext) -> Record:
    """Returns the fields that name a job, its user and its account."""
    association = context.associations.by_id(row["id_assoc"])
    leader, offset = _het(row)
    array, task = encodings.known(row["id_array_job"]), encodings.number(row["id_array_task"])
    tasks = encodings.array_tasks(row["array_task_str"], row.get("array_max_tasks"))
    return {
        "id_record": str(row["job_db_inx"]),
        "id_job": row["id_job"],
        "job_id_str": _job_id_text(row["id_job"], array, task, tasks, leader, offset),
        "id_user": row["id_user"],
        "user_name": _user_name(row, context),
        "id_group": row["id_group"],
        "id_assoc": row["id_assoc"],
        "account": (association.acct if association else None) or row["account"] or None,
        "cluster": context.cluster,
        "job_name": row["job_name"],
        "array_job_id": array,
        "array_task_id": task if array else None,
        "array_task_str": tasks,
        "het_job_id": leader,
        "het_job_offset": offset,
        "wckey": row["wckey"] or None,
        "work_dir": row.get("work_dir") or None,
        "comment": row["derived_es"] or None,
        "admin_comment": row.get("admin_comment") or None,
        "system_comment": row.get("system_comment") or None,
    }


def _user_name(row: Row, context: RecordContext) -> str:
    association = context.associations.by_id(row["id_assoc"])
    return association.user if association and association.user else context.user_of(row["id_user"])


def path_names(row: Row, context: RecordContext) -> Names:
    """Returns the values of the patterns in the paths of a job's batch script."""
    array = encodings.known(row["id_array_job"])
    return Names(
        job=row["id_job"],
        array=array,
        # sacct prints NO_VAL for a job that is no task, as slurmd does.
        task=encodings.number(row["id_array_task"]) if array else NO_VAL,
        restarts=row.get("restart_cnt") or 0,
        key=row["job_db_inx"],
        name=row["job_name"],
        nodes=encodings.hostlist(row["nodelist"]),
        user=_user_name(row, context),
        directory=row.get("work_dir") or None,
    )


def shown_line(line: str | None, hidden: frozenset[str]) -> str | None:
    """Returns a command line that Slurm recorded, None if it names a partition in `hidden`."""
    return None if not line or names_partition(line, hidden) else line


def _request(row: Row, context: RecordContext) -> Record:
    memory = encodings.memory(row["mem_req"])
    return {
        "cpus_req": row["cpus_req"],
        "mem_req": memory.mib if memory else None,
        "mem_req_per": memory.per if memory else None,
        "timelimit": encodings.time_limit(row["timelimit"], context.times),
        "priority": encodings.number(row["priority"]),
        "qos": context.qos.get(row["id_qos"]),
        "tres_req": context.published_counts(row["tres_req"]),
        "constraints": row.get("constraints") or None,
        "licenses": row.get("licenses") or None,
        "container": row.get("container") or None,
        "submit_line": shown_line(row.get("submit_line"), context.hidden),
        **_paths(row, context),
        "reservation_req": row.get("resv_req") or None,
    }


def _paths(row: Row, context: RecordContext) -> Record:
    paths = {name: row.get(name) for name in ("std_in", "std_out", "std_err")}
    names = path_names(row, context) if any(paths.values()) else None
    return {name: None if names is None else expand(path, names) for name, path in paths.items()}


def _allocation(row: Row, context: RecordContext) -> Record:
    suspended = encodings.suspended(
        row["time_suspended"], is_suspended=row["state"] == states.SUSPENDED, now=context.now
    )
    return {
        "partition": shown_partitions(row["partition"], context.hidden) or None,
        "nodelist": encodings.hostlist(row["nodelist"]),
        "nodes_alloc": row["nodes_alloc"],
        "tres_alloc": context.tres_counts(row["tres_alloc"]),
        **{
            field: encodings.point_in_time(row[field], context.times)
            for field in ("time_submit", "time_eligible", "time_start", "time_end")
        },
        "elapsed": encodings.elapsed(row["time_start"], row["time_end"], suspended, context.now),
        "suspended": suspended,
    }


def _outcome(row: Row) -> Record:
    ended, derived = encodings.exit_status(row["exit_code"]), encodings.exit_status(row["derived_ec"])
    killer = row["kill_requid"]
    return {
        "state": states.enum_name(row["state"]),
        "state_name": states.long_name(row["state"]),
        "reason": reason_name(row.get("state_reason_prev")),
        "exit_code": ended.code,
        "exit_signal": ended.signal,
        "derived_exit_code": derived.code,
        "derived_exit_signal": derived.signal,
        "kill_requid": None if killer is None or killer < 0 else killer,
        "restart_cnt": row.get("restart_cnt"),
        "failed_node": row.get("failed_node") or None,
    }


def _het(row: Row) -> tuple[int | None, int | None]:
    """Returns leader and offset of a heterogeneous component. Until 19.05 the columns were called pack_…."""
    leader = encodings.known(row.get("het_job_id", row.get("pack_job_id")))
    return leader, encodings.number(row.get("het_job_offset", row.get("pack_job_offset"))) if leader else None


def _job_id_text(
    job: int, array: int | None, task: int | None, tasks: str | None, leader: int | None, offset: int | None
) -> str:
    """Returns the id as sacct prints it."""
    if leader is not None:
        return f"{leader}+{offset}"
    if array is None:
        return str(job)
    return f"{array}_[{tasks}]" if tasks else f"{array}_{task}" if task is not None else str(array)
