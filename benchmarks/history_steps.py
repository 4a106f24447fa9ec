"""Fills slurmdbd's tables of steps, usage and events to go with the job records of `benchmarks.history_rows`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pymysql

from benchmarks.history_rows import FIRST_ASSOC, YEARS_SECONDS, Filled, indexed_afterwards, prepare

STEPS_OF_A_JOB: Final = 3
"""Batch, extern and one of srun(1)."""
USAGE_ASSOCIATIONS: Final = 1000
USAGE_DAYS: Final = 366
EVENTS: Final = 200_000

_JOBS_AT_ONCE: Final = 200_000
_DAY: Final = 86400
# A number that depends on the job and the step alone.
_RANDOM: Final = "(CRC32(job.id_job * 7919 + step.seq) / 4294967296)"
_SECONDS: Final = "(CAST(job.time_end AS SIGNED) - CAST(job.time_start AS SIGNED))"
_IS_OVER: Final = "job.time_end > 0"
_TASK: Final = "step.seq = 2"
_STEP: Final[dict[str, str]] = {
    "job_db_inx": "job.job_db_inx", "id_step": "ELT(step.seq + 1, -5, -4, 0)", "step_het_comp": "4294967294",
    "step_name": "ELT(step.seq + 1, 'batch', 'extern', 'solve')", "state": "job.state",
    "exit_code": "IF(step.seq = 1, 0, job.exit_code)", "nodelist": "job.nodelist", "nodes_alloc": "1",
    "task_cnt": f"IF({_TASK}, 4, 1)", "task_dist": "0", "time_start": "job.time_start", "time_end": "job.time_end",
    "user_sec": f"IF({_IS_OVER} AND {_TASK}, FLOOR({_SECONDS} * 4 * {_RANDOM}), 0)",
    "user_usec": f"IF({_IS_OVER}, FLOOR(1000000 * {_RANDOM}), 0)",
    "sys_sec": f"IF({_IS_OVER} AND {_TASK}, FLOOR({_SECONDS} / 50), 0)",
    "tres_alloc": "'1=4,2=8000,4=1'",
    "tres_usage_in_max": f"CONCAT('1=', FLOOR(900000 * {_RANDOM}), ',2=', FLOOR(2000000000 * {_RANDOM}),"
    " ',6=29126,7=7312384,8=0')",
    "tres_usage_in_max_taskid": "'1=1,2=3,6=0,7=2,8=0'", "tres_usage_in_max_nodeid": "'1=0,2=0,6=0,7=0,8=0'",
    "tres_usage_in_ave": f"CONCAT('1=', FLOOR(800000 * {_RANDOM}), ',2=', FLOOR(1900000000 * {_RANDOM}),"
    " ',6=29126,7=7312384,8=0')",
    "tres_usage_in_tot": f"CONCAT('1=', FLOOR(3600000 * {_RANDOM}), ',2=', FLOOR(8000000000 * {_RANDOM}),"
    " ',6=116504,7=29249536,8=0')",
    "tres_usage_out_tot": "'6=99012'",
}  # fmt: skip


def fill_steps(connection: pymysql.Connection[Any], cluster: str, jobs: int, tell: Callable[[str], None]) -> None:
    """Writes three steps of each of the newest `jobs` jobs that has started, unless there are steps already."""
    table = f"{cluster}_step_table"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1")
        if cursor.fetchall():
            return
        prepare(cursor)
        newest = f"SELECT job_db_inx FROM `{cluster}_job_table` ORDER BY job_db_inx DESC LIMIT %s"
        cursor.execute(f"SELECT MIN(job_db_inx) - 1 FROM ({newest}) AS newest", [jobs])
        [[after]] = cursor.fetchall()
        with indexed_afterwards(cursor, table):
            for written in range(0, jobs, _JOBS_AT_ONCE):
                after = _write_steps(cursor, cluster, after)
                if written % (5 * _JOBS_AT_ONCE) == 0:
                    tell(f"steps of {min(written + _JOBS_AT_ONCE, jobs):,} jobs")
        cursor.execute(f"ANALYZE TABLE `{table}`")


def _write_steps(cursor: Any, cluster: str, after: int) -> int:
    """Writes the steps of the jobs that follow the key `after`. Returns the key of the last one."""
    # A key has the time of a record, so keys are not in a row.
    cursor.execute(
        f"SELECT MAX(job_db_inx) FROM (SELECT job_db_inx FROM `{cluster}_job_table`"
        " WHERE job_db_inx > %s ORDER BY job_db_inx LIMIT %s) AS some",
        [after, _JOBS_AT_ONCE],
    )
    [[until]] = cursor.fetchall()
    cursor.execute(
        f"INSERT INTO `{cluster}_step_table` ({', '.join(_STEP)}) SELECT {', '.join(_STEP.values())}"
        f" FROM `{cluster}_job_table` AS job JOIN seq_0_to_{STEPS_OF_A_JOB - 1} AS step"
        " WHERE job.job_db_inx > %s AND job.job_db_inx <= %s AND job.time_start > 0 ORDER BY job.job_db_inx, 2",
        [after, until],
    )
    return int(until)


def fill_usage(connection: pymysql.Connection[Any], cluster: str, filled: Filled) -> None:
    """Writes a year of daily usage of the cluster and of 1,000 associations, in four TRES."""
    tres = "ELT(1 + tres.seq, 1, 2, 4, 5)"
    today = filled.now - filled.now % _DAY
    day = f"{today - USAGE_DAYS * _DAY} + day.seq * {_DAY}"
    of_day = f"seq_0_to_3 AS tres JOIN seq_0_to_{USAGE_DAYS - 1} AS day"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT IGNORE INTO `{cluster}_assoc_usage_day_table`"
            " (creation_time, mod_time, id, id_tres, time_start, alloc_secs)"
            f" SELECT 0, 0, {FIRST_ASSOC} + owner.seq, {tres}, {day}, 1 + CRC32(owner.seq * 7919 + day.seq) % 864000"
            f" FROM seq_0_to_{USAGE_ASSOCIATIONS - 1} AS owner JOIN {of_day} ORDER BY 3, 4, 5"
        )
        cursor.execute(
            f"INSERT IGNORE INTO `{cluster}_usage_day_table`"
            " (creation_time, mod_time, id_tres, time_start, `count`, alloc_secs, idle_secs)"
            f" SELECT 0, 0, {tres}, {day}, 16000, 900000000, 482400000 FROM {of_day}"
        )
        cursor.execute(f"ANALYZE TABLE `{cluster}_assoc_usage_day_table`")


def fill_events(connection: pymysql.Connection[Any], cluster: str, filled: Filled) -> None:
    """Writes events of 1,000 nodes over three years. Of each hundred nodes one is down."""
    start = f"{filled.start} + FLOOR(seq * {YEARS_SECONDS / EVENTS})"
    is_open = f"seq > {EVENTS - 1000} AND seq % 100 = 0"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT IGNORE INTO `{cluster}_event_table` (time_start, time_end, node_name, reason, reason_uid, state)"
            f" SELECT {start}, IF({is_open}, 0, LEAST({start} + 60 + CRC32(seq) % 36000, {filled.now})),"
            " CONCAT('node', LPAD(1 + seq % 1000, 4, '0')), ELT(1 + seq % 3, 'Not responding', 'disk', 'reboot'), 0,"
            f" IF(seq % 2 = 0, 1, 0x200 | 2) FROM seq_1_to_{EVENTS}"
        )
        cursor.execute(f"ANALYZE TABLE `{cluster}_event_table`")
