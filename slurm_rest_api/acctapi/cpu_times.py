"""What the steps of jobs used, as far as slurmdbd recorded it: seconds of CPU time.

Source: `<cluster>_step_table`. Each step has its user and system time, in seconds and a rest in microseconds, written
when it ends. slurmdbd purges steps apart from jobs (`PurgeStepAfter`), so those of an old job may be gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table, func, select


def cpu_times(connection: Connection, step: Table | None, keys: Sequence[int]) -> dict[int, float]:
    """The CPU time in seconds of the job records `keys`: user and system time of all their steps that have ended.

    Without a table nothing is known, nor is it of a job whose steps recorded none: no program runs in no time.
    """
    if step is None or not keys:
        return {}
    seconds = func.sum(step.c.user_sec) + func.sum(step.c.sys_sec)
    microseconds = func.sum(step.c.user_usec) + func.sum(step.c.sys_usec)
    # The primary key begins with the job's, so this reads the steps of these jobs and no others.
    found = connection.execute(
        select(step.c.job_db_inx, seconds.label("seconds"), microseconds.label("microseconds"))
        .where(step.c.job_db_inx.in_(keys), step.c.deleted == 0)
        .group_by(step.c.job_db_inx)
    )
    used = {row.job_db_inx: round(float(row.seconds) + float(row.microseconds) / 1e6, 3) for row in found}
    return {key: time for key, time in used.items() if time > 0}
