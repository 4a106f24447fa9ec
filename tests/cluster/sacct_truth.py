"""Which column of `sacct` and of `sacctmgr show assoc` each published field of /history and /users has to equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.cluster.comparison import Row
from tests.testbed.cluster import Cluster

Facts = dict[str, Any]

_SEPARATOR: Final = "\x1f"
_NOT_A_TIME: Final = ("Unknown", "None", "")


def _number(text: str) -> int | None:
    return int(text) if text else None


def _text(text: str) -> str | None:
    return text or None


def _moment(text: str) -> int | None:
    return None if text in _NOT_A_TIME else int(text)


def _nodes(text: str) -> str | None:
    return None if text == "None assigned" else text


def _limit(text: str) -> int | str | None:
    return int(text) if text.isdigit() else text or None


def _state(text: str) -> str:
    return text.partition(" by ")[0]


def _killer(text: str) -> int | None:
    return _number(text.partition(" by ")[2])


def _code(text: str) -> int:
    return int(text.partition(":")[0])


def _signal(text: str) -> int:
    return int(text.partition(":")[2])


def _clock(text: str) -> int:
    days, _, clock = text.rpartition("-")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def cpu_time(text: str) -> float | None:
    """`[DD-[HH:]]MM:SS[.mmm]` in seconds; sacct prints no time where nothing is recorded."""
    days, _, clock = text.rpartition("-")
    seconds = sum(float(part) * 60**power for power, part in enumerate(reversed(clock.split(":"))))
    return round(86400 * int(days or 0) + seconds, 3) or None


def _reason(text: str) -> str | None:
    return None if text in ("None", "") else text


def tres(text: str) -> dict[str, int]:
    """`cpu=4,mem=1000M` as counts by name; memory is in MiB when `--noconvert` is given."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    return {name: int(count.removesuffix("M")) for name, _, count in pairs}


JOB_ROWS: Final = [
    Row("id_record", "DBIndex"),
    Row("id_job", "JobIDRaw", int),
    Row("job_id_str", "JobID"),
    Row("id_user", "UID", int),
    Row("user_name", "User"),
    Row("id_group", "GID", int),
    Row("id_assoc", "AssocID", int),
    Row("account", "Account"),
    Row("cluster", "Cluster"),
    Row("job_name", "JobName"),
    Row("wckey", "WCKey", _text),
    Row("work_dir", "WorkDir"),
    Row("comment", "Comment", _text),
    Row("admin_comment", "AdminComment", _text),
    Row("system_comment", "SystemComment", _text),
    Row("cpus_req", "ReqCPUS", int),
    Row("timelimit", "TimelimitRaw", _limit),
    Row("priority", "Priority", _number),
    Row("qos", "QOS"),
    Row("tres_req", "ReqTRES", tres),
    Row("constraints", "Constraints", _text),
    Row("licenses", "Licenses", _text),
    Row("container", "Container", _text),
    Row("submit_line", "SubmitLine", _text),
    # With --expand-patterns. Where a job has no nodes, sacct prints "(null)" for them.
    Row("std_in", "StdIn", _text),
    Row("std_out", "StdOut", _text),
    Row("std_err", "StdErr", _text),
    Row("reservation", "Reservation", _text),
    Row("reservation_req", "ReqReservation", _text),
    Row("partition", "Partition"),
    Row("nodelist", "NodeList", _nodes),
    # NNodes is what was asked for until there is an allocation.
    Row("nodes_alloc", "AllocTRES", lambda text: tres(text).get("node", 0)),
    Row("tres_alloc", "AllocTRES", tres),
    Row("time_submit", "Submit", _moment),
    Row("time_eligible", "Eligible", _moment),
    Row("time_start", "Start", _moment),
    Row("time_end", "End", _moment),
    Row("elapsed", "ElapsedRaw", int, moving=True),
    Row("suspended", "Suspended", _clock, moving=True),
    Row("cpu_time", "TotalCPU", cpu_time),
    Row("state_name", "State", _state),
    Row("kill_requid", "State", _killer),
    Row("reason", "Reason", _reason),
    Row("exit_code", "ExitCode", _code),
    Row("exit_signal", "ExitCode", _signal),
    Row("derived_exit_code", "DerivedExitCode", _code),
    Row("derived_exit_signal", "DerivedExitCode", _signal),
    Row("restart_cnt", "Restarts", int),
    Row("failed_node", "FailedNode", _text),
]

JOB_NOT_TOLD: Final = {
    "array_job_id": "part of job_id_str",
    "array_task_id": "part of job_id_str",
    "array_task_str": "part of job_id_str",
    "het_job_id": "part of job_id_str",
    "het_job_offset": "part of job_id_str",
    "mem_req": "since 21.08 sacct prints the sum of tres_req in its place; a test of its own",
    "mem_req_per": "as mem_req",
    **dict.fromkeys(
        ("max_rss", "cpu_efficiency", "mem_efficiency", "time_efficiency", "gpu_util", "gpu_mem", "energy"),
        "computed as seff does; tests of their own",
    ),
    "state": "the same as state_name, in the words of slurm.h; a test of its own",
}
"""Published fields without a row above, and why."""

ASSOC_ROWS: Final = [
    Row("id_assoc", "id", int),
    Row("user", "user"),
    Row("acct", "account"),
    Row("partition", "partition", _text),
    Row("shares", "share", lambda text: int(text) if text.isdigit() else text),
    Row("qos", "qos", lambda text: sorted(text.split(",")), ours=sorted),
    Row("default_qos", "defaultqos", _text),
    Row("max_jobs", "maxjobs", _number),
    Row("max_jobs_accrue", "maxjobsaccrue", _number),
    Row("max_submit_jobs", "maxsubmit", _number),
    Row("max_wall", "maxwall", lambda text: _clock(text) // 60 if text else None),
    Row("priority", "priority", _number),
    Row("min_prio_thresh", "minpriothresh", _number),
    Row("max_tres_per_job", "maxtresperjob", tres),
    Row("max_tres_per_node", "maxtrespernode", tres),
    Row("max_tres_mins_per_job", "maxtresmins", tres),
    Row("max_tres_run_mins", "maxtresrunmins", tres),
    Row("grp_jobs", "grpjobs", _number),
    Row("grp_jobs_accrue", "grpjobsaccrue", _number),
    Row("grp_submit_jobs", "grpsubmit", _number),
    Row("grp_wall", "grpwall", lambda text: _clock(text) // 60 if text else None),
    Row("grp_tres", "grptres", tres),
    Row("grp_tres_mins", "grptresmins", tres),
    Row("grp_tres_run_mins", "grptresrunmins", tres),
    Row("comment", "comment", _text),
]

ASSOC_NOT_TOLD: Final = {
    "default_account": "sacctmgr prints it of users alone; a test of its own",
    "is_default": "as default_account",
    "parent_account": "sacctmgr prints it of accounts alone; a test of its own",
    "deleted": "sacctmgr does not print it; a test of its own",
}


def read_sacct(cluster: Cluster, *options: str, rows: Sequence[Row] = JOB_ROWS) -> list[Facts]:
    """Returns sacct's records of jobs without steps, one per attempt, with times in epoch seconds."""
    columns = list(dict.fromkeys(row.slurm for row in rows))
    # As old as the columns of the paths.
    patterns = ["--expand-patterns"] if "StdOut" in columns else []
    return read_columns(cluster, columns, "-X", *patterns, *options)


def read_columns(cluster: Cluster, columns: list[str], *options: str) -> list[Facts]:
    """Returns these columns of the lines of sacct, with times in epoch seconds."""
    argv = ["sacct", "-P", "--allusers", "--noconvert", f"--delimiter={_SEPARATOR}", "-o", ",".join(columns)]
    return _table(cluster.run([*argv, *options], env={"SLURM_TIME_FORMAT": "%s"}).stdout, columns)


def read_associations(cluster: Cluster, rows: Sequence[Row] = ASSOC_ROWS) -> list[Facts]:
    """Returns the users' associations as `sacctmgr show assoc` lists them."""
    columns = [row.slurm for row in rows]
    argv = ["sacctmgr", "-P", "show", "assoc", f"format={','.join(columns)}"]
    printed = cluster.run(argv).stdout.replace("|", _SEPARATOR)
    return [facts for facts in _table(printed, columns) if facts["user"]]


def _table(printed: str, columns: list[str]) -> list[Facts]:
    return [dict(zip(columns, line.split(_SEPARATOR), strict=True)) for line in printed.splitlines()[1:]]
