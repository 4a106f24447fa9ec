"""Converts rows of slurmdbd's step table to published records.

Source: `_cluster_get_jobs()` of src/plugins/accounting_storage/mysql/as_mysql_jobacct_process.c, and src/sacct/print.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from slurm_rest_api.acctapi import encodings, states
from slurm_rest_api.acctapi.records import RecordContext, job_identity, path_names, shown_line
from slurm_rest_api.acctapi.stdio_paths import expand
from slurm_rest_api.acctapi.step_usage import StepUsage, measured, mebibytes, seconds_used, share
from slurm_rest_api.slurm import hostlist

Row = Mapping[Any, Any]
Record = dict[str, Any]

_SPECIAL: Final = {-2: "batch", -1: "extern", -3: "TBD", -4: "extern", -5: "batch", -6: "interactive"}
"""Steps that have no number. Source: SLURM_BATCH_SCRIPT and the names after it in slurm.h.

Until 20.02 they were -2 and -1. slurmdbd 20.11 renumbers the old ones when it converts the tables.
"""

_MEMORY: Final = 2
_DISK: Final = 6
"""Numbers of the TRES `mem` and `fs/disk` in every database."""

_MIB: Final = 1 << 20


class Measured(NamedTuple):
    """Measurements of one step, in bytes. `node` is a position in the step's hostlist. None is unknown."""

    largest: int | None
    node: int | None
    task: int | None
    memory: int | None
    read: int | None
    written: int | None


def step_text(step: int, component: int | None) -> str:
    """Returns the name of a step in Slurm: `batch`, `0`, or `0+1` for a component of a heterogeneous job."""
    name = _SPECIAL.get(step, str(step))
    known = encodings.number(component)
    return name if known is None else f"{name}+{known}"


def step_record(step: Row, job: Row, context: RecordContext) -> Record:
    """Returns one record of /history/{id}/steps. `job` is the row of the attempt that the step belongs to."""
    identity = job_identity(job, context)
    number, component = step["id_step"], step.get("step_het_comp")
    state, end = _end_of(step, job)
    suspended = encodings.suspended(step["time_suspended"], is_suspended=state == states.SUSPENDED, now=context.now)
    elapsed = encodings.elapsed(step["time_start"], end, suspended, context.now)
    ended = encodings.exit_status(max(0, step["exit_code"] or 0))
    killer, limit = step["kill_requid"], encodings.known(step.get("timelimit"))
    allocated = context.tres_counts(step["tres_alloc"])
    name = step_text(number, component)
    return {
        "id_record": identity["id_record"],
        "id_job": identity["id_job"],
        "step_id": name,
        "step_id_str": f"{identity['job_id_str']}.{name}",
        "step_name": step["step_name"] or None,
        "state": states.enum_name(state),
        "state_name": states.long_name(state),
        "exit_code": ended.code,
        "exit_signal": ended.signal,
        "kill_requid": None if killer is None or killer < 0 else killer,
        "nodelist": encodings.hostlist(step["nodelist"]),
        "nodes_alloc": step["nodes_alloc"],
        "tasks": step["task_cnt"],
        "tres_alloc": encodings.published_tres(allocated),
        "time_start": encodings.point_in_time(step["time_start"], context.times),
        "time_end": encodings.point_in_time(end, context.times),
        "elapsed": elapsed,
        "suspended": suspended,
        "timelimit": None if limit is None else encodings.time_limit(limit, context.times),
        **_usage(step, {**allocated, **_missing(allocated, job, context)}, elapsed, context, ended=end is not None),
        "container": step.get("container") or None,
        "submit_line": shown_line(step.get("submit_line"), context.hidden),
        **_paths(step, job, context),
    }


def _end_of(step: Row, job: Row) -> tuple[int, int | None]:
    """Returns state and end. A step without an end has ended with its job, unless the job was resized."""
    state, end, job_end = step["state"], encodings.known(step["time_end"]), encodings.known(job["time_end"])
    if end is None and job_end is not None and job["state"] != states.RESIZED:
        return job["state"], job_end
    return state, end


def _missing(allocated: Mapping[str, int], job: Row, context: RecordContext) -> dict[str, int]:
    """Returns the counts that a step does not have: those of its job. Old releases record only CPUs for a step."""
    of_job = context.tres_counts(job["tres_alloc"])
    return {name: of_job[name] for name in ("cpu", "mem") if name in of_job and name not in allocated}


def _usage(step: Row, allocated: Mapping[str, int], elapsed: int, context: RecordContext, *, ended: bool) -> Record:
    found = _of_release(step)
    usage = StepUsage(seconds_used(step), found.memory)
    nodes = encodings.hostlist(step["nodelist"])
    totals = _counts(step.get("tres_usage_in_tot"))
    numbers = {name: number for number, name in context.tres.items()}
    memory = allocated.get("mem", 0) * _MIB
    return {
        "cpu_time": usage.cpu_seconds,
        "cpu_efficiency": share(usage.cpu_seconds, elapsed * max(1, allocated.get("cpu", 1))) if ended else None,
        "max_rss": mebibytes(found.largest),
        "max_rss_node": None if found.largest is None or found.node is None else _node(nodes, found.node),
        "max_rss_task": None if found.largest is None else found.task,
        "total_rss": mebibytes(usage.memory),
        "mem_efficiency": share(usage.memory, memory) if ended else None,
        "disk_read": mebibytes(found.read),
        "disk_written": mebibytes(found.written),
        "gpu_util": totals.get(numbers.get("gres/gpuutil", -1)),
        "gpu_mem": mebibytes(totals.get(numbers.get("gres/gpumem", -1))),
        "energy": measured(step.get("consumed_energy")) or None,
    }


def _of_release(step: Row) -> Measured:
    """Returns the measurements of a step. Before 18.08 each had a column: memory in KiB, averages of tasks in MiB."""
    if "max_rss" in step and "task_cnt" in step:
        largest, tasks = measured(step["max_rss"]), step["task_cnt"]
        peak = None if not largest or largest >= 1 << 40 else largest << 10
        return Measured(
            largest=peak,
            node=encodings.number(step.get("max_rss_node")),
            task=encodings.number(step.get("max_rss_task")),
            memory=None if peak is None else peak * tasks,
            read=_total(step.get("ave_disk_read"), tasks),
            written=_total(step.get("ave_disk_write"), tasks),
        )
    most, total = _counts(step.get("tres_usage_in_max")), _counts(step.get("tres_usage_in_tot"))
    return Measured(
        largest=most.get(_MEMORY) or None,
        node=_counts(step.get("tres_usage_in_max_nodeid")).get(_MEMORY),
        task=_counts(step.get("tres_usage_in_max_taskid")).get(_MEMORY),
        memory=total.get(_MEMORY) or None,
        read=total.get(_DISK),
        written=_counts(step.get("tres_usage_out_tot")).get(_DISK),
    )


def _total(average: float | None, tasks: int) -> int | None:
    """Returns the bytes of all tasks. Where nothing was gathered slurmdbd stored 0."""
    return None if not average or measured(average) is None else round(average * tasks * _MIB)


def _counts(text: str | None) -> dict[int, int]:
    """Returns the counts of a text such as `1=4,2=2000` by the number of the TRES. Unknown ones are left out."""
    return {int(key): count for key, count in encodings.tres(text, {}).items() if measured(count) is not None}


def _node(nodes: str | None, position: int) -> str | None:
    try:
        return None if nodes is None else hostlist.nth(nodes, position)
    except ValueError:
        # A text that is not a hostlist names no node.
        return None


def _paths(step: Row, job: Row, context: RecordContext) -> Record:
    nodes, number = encodings.hostlist(step["nodelist"]), step["id_step"]
    names = path_names(job, context)._replace(
        nodes=nodes,
        directory=step.get("cwd") or None,
        step=number if number >= 0 else step_text(number, None),
    )
    return {name: expand(step.get(name), names) for name in ("std_in", "std_out", "std_err")}
