"""Reads what the steps of jobs used, and computes how well jobs used what they were allocated.

Source: `<cluster>_step_table`, where slurmdbd writes the measurements of `JobAcctGatherType` when a step ends. It
purges steps apart from jobs (`PurgeStepAfter`), so those of an old job may be missing. The rules are those of Slurm's
`contribs/seff`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    String,
    Table,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
)

from slurm_rest_api.acctapi import encodings
from slurm_rest_api.acctapi.joined_numbers import joined_numbers, numbers_of

_MEMORY: Final = 2
"""Number of the TRES `mem` in every database."""

_MIB: Final = 1 << 20
# More than any measurement, and less than Slurm's sentinels in any encoding.
_LARGEST: Final = 1 << 60


class StepUsage(NamedTuple):
    """Usage of the ended steps of one job record. None is unknown.

    `cpu_seconds` are user and system seconds of all steps. Memory is in bytes. `memory`, `gpu_memory` and `gpu_percent`
    are those of the step that used most: sums over its tasks.
    """

    cpu_seconds: float | None = None
    memory: int | None = None
    gpu_memory: int | None = None
    gpu_percent: int | None = None


NOTHING: Final = StepUsage()


def used_by_steps(job: Table, step: Table, gpu_memory: int | None, gpu_percent: int | None) -> ScalarSelect[Any]:
    """Returns the SQL for what the steps of a row of `job` used, for `usage_of`.

    `gpu_memory` and `gpu_percent` are the numbers of the TRES gres/gpumem and gres/gpuutil.
    """
    columns = (step.c.user_sec, step.c.sys_sec, step.c.user_usec, step.c.sys_usec)
    sums = [func.sum(column) for column in columns]
    largest = [func.max(column) for column in columns]
    totals = [func.max(found) for found in (step_memory(step), _total(step, gpu_memory), _total(step, gpu_percent))]
    # The primary key begins with the job's, so this reads only the steps of this job.
    used = select(joined_numbers(*sums, *largest, *totals))
    return used.where(step.c.job_db_inx == job.c.job_db_inx, step.c.deleted == 0).correlate(job).scalar_subquery()


def usage_of(text: str | bytes | None) -> StepUsage:
    """Returns the usage that `used_by_steps` has selected.

    CPU seconds are None if those of a step are unknown (NO_VAL64, NO_VAL). Without steps all is None.
    """
    return NOTHING if text is None else _usage(*numbers_of(text))


def tres_count(text: ColumnElement[Any], number: int) -> ColumnElement[int]:
    """Returns the SQL for the count of a TRES in a text such as `1=4,2=2000`. NULL if it has none.

    CAST reads the digits and ignores the rest, in MariaDB, MySQL and SQLite alike.
    """
    listed = literal(",", String()) + type_coerce(text, String())
    key = f",{number}="
    position = func.instr(listed, key)
    return case((position > 0, cast(func.substr(listed, position + len(key)), BigInteger)))


def step_memory(step: Table) -> ColumnElement[int]:
    """Returns the bytes that all tasks of a step used at their peaks, which `seff` calls "Memory Utilized".

    Before 18.08 slurmdbd stored only the peak of the largest task, in KiB. As `seff` did then, it counts for each task.
    """
    if "max_rss" in step.c and "task_cnt" in step.c:
        return case((step.c.max_rss < _LARGEST >> 20, step.c.max_rss * 1024 * step.c.task_cnt))
    return _total(step, _MEMORY)


def _total(step: Table, number: int | None) -> ColumnElement[int]:
    if number is None or "tres_usage_in_tot" not in step.c:
        return literal(None, BigInteger())
    return tres_count(step.c.tres_usage_in_tot, number)


def _usage(*figures: Any) -> StepUsage:
    seconds = _seconds(figures[:4], figures[4:8])
    memory, gpu_memory, gpu_percent = map(measured, figures[8:])
    return StepUsage(seconds, memory or None, gpu_memory, gpu_percent)


def seconds_used(step: Mapping[Any, Any]) -> float | None:
    """Returns the CPU seconds of one step, user and system. None if they are unknown."""
    figures = [step[name] for name in ("user_sec", "sys_sec", "user_usec", "sys_usec")]
    return _seconds(figures, figures)


def _seconds(sums: Sequence[Any], largest: Sequence[Any]) -> float | None:
    """Returns the seconds of sums of user_sec, sys_sec, user_usec and sys_usec. `largest` are those of one step."""
    if any(encodings.number(value) is None for value in largest):
        return None
    user_sec, sys_sec, user_usec, sys_usec = map(float, sums)
    # Where nothing is gathered slurmdbd stores 0.
    return round(user_sec + sys_sec + (user_usec + sys_usec) / 1e6, 3) or None


def measured(value: Any) -> int | None:
    """Returns a measurement, None for the sentinels of any encoding."""
    return int(value) if value is not None and 0 <= value < _LARGEST else None


def efficiency_fields(usage: StepUsage, allocated: Mapping[str, int], elapsed: int, *, ended: bool) -> dict[str, Any]:
    """Returns the fields of /history about a job's usage and efficiency, except `time_efficiency`.

    `allocated` are the counts of `tres_alloc`. Efficiencies are shares, null until the job has ended.
    """
    cpu_seconds = elapsed * max(1, allocated.get("cpu", 1))
    memory = allocated.get("mem", 0) * _MIB
    return {
        "cpu_time": usage.cpu_seconds,
        "max_rss": mebibytes(usage.memory),
        "cpu_efficiency": share(usage.cpu_seconds, cpu_seconds) if ended else None,
        "mem_efficiency": share(usage.memory, memory) if ended else None,
        "gpu_util": usage.gpu_percent,
        "gpu_mem": mebibytes(usage.gpu_memory),
        # slurmdbd adds up the energy of the steps in `tres_alloc`. 0 means that nothing was measured.
        "energy": allocated.get("energy") or None,
    }


def time_efficiency(elapsed: int, limit_minutes: int | None) -> float | None:
    """Returns the share of the time limit that a job has run. None if it has no limit of its own, or did not run."""
    minutes = encodings.known(limit_minutes)
    return None if minutes is None or elapsed == 0 else share(elapsed, 60 * minutes)


def mebibytes(count: int | None) -> float | None:
    """Returns bytes in MiB, with three decimals."""
    return None if count is None else round(count / _MIB, 3)


def share(used: float | None, of: float) -> float | None:
    """Returns `used` divided by `of`, with four decimals. None if it is unknown, or there is nothing of it."""
    return None if used is None or of <= 0 else round(used / of, 4)
