"""Fills slurmdbd's job table with synthetic records of three years, using MariaDB's SEQUENCE engine.

The same number of rows gives the same records, relative to the current time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pymysql

from tests.testbed.cluster import DatabaseFacts

YEARS_SECONDS: Final = 3 * 365 * 86400
USERS: Final = 2000
ACCOUNTS: Final = 200
RETIRED: Final = USERS - 1
"""The user with records only in the oldest 5 % of the table."""
CAMPUS_FROM: Final = 1700
"""Users from this number on share the account `campus`. Of the others, ten share one account."""
RUNNING, PENDING = 3000, 2000
BUFFER_POOL_BYTES: Final = 4 * 2**30
"""The minimum that Slurm's documentation recommends."""

_LOG_BYTES: Final = 4 * 2**30
_CHUNK: Final = 250_000
FIRST_ASSOC: Final = 1000
_PADDING: Final = (
    "--output=/scratch/projects/results/run-%j.out --export=ALL --cpus-per-task=4 /scratch/projects/bin/solve"
)

# Random numbers that depend only on the row number `seq`. CRC-32 is linear, so a prefix or suffix would correlate
# them. Products do not.
_R1, _R2, _R3, _R4, _R5 = (
    f"(CRC32(seq * {factor}) / 4294967296)" for factor in (7919, 104729, 1299709, 15485863, 32452843)
)
_MADE = "({start} + FLOOR(seq * {step}))"
_IN_ARRAY = "(seq % 2000 < 100)"
# The first 100 of 2000 rows are tasks of an array that was submitted with the first of them.
_SUBMITTED = f"IF({_IN_ARRAY}, {{start}} + FLOOR((seq - seq % 2000) * {{step}}), {_MADE})"
_USER = (
    f"CASE WHEN seq < {{rows}} / 20 AND CRC32(seq) % 10 = 0 THEN {RETIRED}"
    f" ELSE LEAST(FLOOR({USERS} * POW({_R1}, 3)), {RETIRED - 1}) END"
)
_STATE = (
    f"CASE WHEN seq > {{rows}} - {PENDING} THEN 0 WHEN seq > {{rows}} - {PENDING + RUNNING} THEN 1"
    " WHEN seq % 500 = 499 THEN 1024"
    f" WHEN {_R2} < 0.85 THEN 3 WHEN {_R2} < 0.91 THEN 5 WHEN {_R2} < 0.95 THEN 4 WHEN {_R2} < 0.99 THEN 6"
    f" WHEN {_R2} < 0.9995 THEN 11 ELSE 7 END"
)
_NODE = f"CONCAT('node', LPAD(1 + FLOOR(1000 * {_R5}), 4, '0'))"
_ROW: Final[dict[str, str]] = {
    "job_db_inx": "({field} << 52) | (made * 1000 << 10) | (seq & 1023)",
    "mod_time": "made", "id_job": "100000 + seq - (seq % 500 = 0)", "id_user": "20000 + u", "id_group": "20000",
    "id_assoc": f"{FIRST_ASSOC} + u", "account": f"IF(u >= {CAMPUS_FROM}, 'campus', CONCAT('acct', u % {ACCOUNTS}))",
    "job_name": f"IF(seq % 100000 = 77, 'seldom', CONCAT('job', FLOOR(500 * {_R4})))",
    "cpus_req": "4", "mem_req": "8000", "nodes_alloc": "1",
    "nodelist": f"CASE WHEN s = 0 THEN 'None assigned' WHEN {_R5} > 0.8 THEN 'node[0100-0103]' ELSE {_NODE} END",
    "`partition`": f"IF(seq % 200 = 13, 'secret', CONCAT('part', FLOOR(8 * POW({_R3}, 2))))",
    "timelimit": "1440", "priority": "1000 + seq % 5000", "state": "s", "time_submit": "submitted",
    "time_eligible": "submitted + 1", "time_start": "IF(s = 0, 0, started)",
    "time_end": f"IF(s IN (0, 1), 0, LEAST(started + 60 + FLOOR(40000 * POW({_R1}, 2)), {{now}}))",
    "exit_code": "IF(s = 5, 256, 0)", "tres_req": "'1=4,2=8000,4=1,5=4'",
    "tres_alloc": "IF(s = 0, '', '1=4,2=8000,4=1,5=4')",
    "id_qos": "CASE WHEN seq % 10000 = 5 THEN 3 WHEN seq % 10 = 3 THEN 2 ELSE 1 END",
    "id_array_job": f"IF({_IN_ARRAY}, 100000 + seq - seq % 2000, 0)",
    "id_array_task": f"IF({_IN_ARRAY}, seq % 2000, 4294967294)",
    "id_resv": "0", "id_wckey": "0", "het_job_id": "0", "het_job_offset": "4294967294", "state_reason_prev": "0",
    "work_dir": "CONCAT('/home/u', u)", "std_out": "'/scratch/projects/results/run-%j.out'",
    "submit_line": f"'sbatch {_PADDING}'", "sluid": "({field} << 52) | (made * 1000 << 10) | (seq & 1023)",
}  # fmt: skip


@dataclass(frozen=True)
class Filled:
    """Number of rows, and first and last submit time in epoch seconds."""

    rows: int
    start: int
    now: int


def connect(facts: DatabaseFacts) -> pymysql.Connection[Any]:
    """Connects to the accounting database as root, in autocommit mode."""
    return pymysql.connect(
        host=facts.host, port=facts.port, user=facts.user, password=facts.password, database=facts.name, autocommit=True
    )


def fill(connection: pymysql.Connection[Any], cluster: str, rows: int, tell: Callable[[str], None]) -> Filled:
    """Writes `rows` records of `cluster` and their associations."""
    with connection.cursor() as cursor:
        prepare(cursor)
        cursor.execute("SELECT id FROM cluster_table WHERE name = %s", [cluster])
        [[field]] = cursor.fetchall()
        _write_associations(cursor, cluster)
        now = int(time.time())
        filled = Filled(rows, now - YEARS_SECONDS, now)
        with indexed_afterwards(cursor, f"{cluster}_job_table"):
            for first in range(1, rows + 1, _CHUNK):
                last = min(first + _CHUNK - 1, rows)
                cursor.execute(_insert(cluster, filled, field, first, last))
                if last % (4 * _CHUNK) == 0 or last == rows:
                    tell(f"{last:,} of {rows:,} records")
        cursor.execute(f"ANALYZE TABLE `{cluster}_job_table`")
    return filled


def prepare(cursor: Any) -> None:
    """Sets up the server to write millions of rows: the log is as large as what is written between two flushes."""
    for setting in (
        f"innodb_buffer_pool_size = {BUFFER_POOL_BYTES}",
        f"innodb_log_file_size = {_LOG_BYTES}",
        "innodb_flush_log_at_trx_commit = 0",
    ):
        cursor.execute(f"SET GLOBAL {setting}")


@contextmanager
def indexed_afterwards(cursor: Any, table: str) -> Iterator[None]:
    """Removes the secondary indexes of a table, and builds the same ones at the end.

    Building an index of sorted rows takes a tenth of the time of inserting into it.
    """
    cursor.execute(
        "SELECT index_name, MIN(non_unique), GROUP_CONCAT(CONCAT('`', column_name, '`') ORDER BY seq_in_index)"
        " FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = %s"
        " AND index_name <> 'PRIMARY' GROUP BY index_name",
        [table],
    )
    indexes = cursor.fetchall()
    cursor.execute(f"ALTER TABLE `{table}` {', '.join(f'DROP INDEX `{name}`' for name, _, _ in indexes)}")
    try:
        yield
    finally:
        added = (f"ADD {'' if repeats else 'UNIQUE '}INDEX `{name}` ({parts})" for name, repeats, parts in indexes)
        cursor.execute(f"ALTER TABLE `{table}` {', '.join(added)}")


def _insert(cluster: str, filled: Filled, field: int, first: int, last: int) -> str:
    facts = {"start": filled.start, "step": (YEARS_SECONDS - 60) / filled.rows, "rows": filled.rows, "now": filled.now}
    made = _MADE.format(**facts)
    inner = (
        f"SELECT seq, {made} AS made, {_SUBMITTED.format(**facts)} AS submitted, {_USER.format(**facts)} AS u,"
        f" LEAST({made} + FLOOR(1800 * {_R2}), {filled.now - 1}) AS started, {_STATE.format(**facts)} AS s"
        f" FROM seq_{first}_to_{last}"
    )
    values = ", ".join(value.format(field=field, **facts) for value in _ROW.values())
    return f"INSERT INTO `{cluster}_job_table` ({', '.join(_ROW)}) SELECT {values} FROM ({inner}) AS made_up"


def _write_associations(cursor: Any, cluster: str) -> None:
    columns = "(creation_time, id_assoc, user, acct, parent_acct, id_parent, lineage, is_def)"
    cursor.execute("INSERT IGNORE INTO qos_table (creation_time, id, name) VALUES (0, 2, 'urgent'), (0, 3, 'spare')")
    cursor.execute(
        f"INSERT INTO `{cluster}_assoc_table` {columns} SELECT 0, {FIRST_ASSOC + USERS} + seq,"
        f" '', IF(seq = {ACCOUNTS}, 'campus', CONCAT('acct', seq)), 'root', 1,"
        f" CONCAT('/', IF(seq = {ACCOUNTS}, 'campus', CONCAT('acct', seq)), '/'), 0 FROM seq_0_to_{ACCOUNTS}"
    )
    account = f"IF(seq >= {CAMPUS_FROM}, 'campus', CONCAT('acct', seq % {ACCOUNTS}))"
    parent = f"{FIRST_ASSOC + USERS} + IF(seq >= {CAMPUS_FROM}, {ACCOUNTS}, seq % {ACCOUNTS})"
    cursor.execute(
        f"INSERT INTO `{cluster}_assoc_table` {columns} SELECT 0, {FIRST_ASSOC} + seq, CONCAT('u', seq), {account},"
        f" '', {parent}, CONCAT('/', {account}, '/0-u', seq, '/'), 1 FROM seq_0_to_{USERS - 1}"
    )
