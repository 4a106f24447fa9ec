"""Keeps the number of jobs and sums of them by state and reason, so that counting them reads a few rows.

SQLite's triggers change the sums with each job that is written or removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

SUMMED_BY: Final = ("job_state", "state_words", "reason")
"""The columns of the queue whose values share a row of sums. They have few values, all of them words of Slurm."""
SUMMED: Final = ("num_cpus", "num_nodes", "memory", "gpus", "tasks")
"""The columns of the queue that are summed."""

_BY: Final = ", ".join(SUMMED_BY)
_SAME: Final = " AND ".join(f"{column} IS {{row}}.{column}" for column in SUMMED_BY)
_ADDED: Final = ", ".join(f"{column} = {column} {{sign}} coalesce({{row}}.{column}, 0)" for column in SUMMED)
_NEW: Final = ", ".join([*(f"NEW.{column}" for column in SUMMED_BY), "1", *(f"coalesce(NEW.{c}, 0)" for c in SUMMED)])

TABLE: Final = f"""
CREATE TABLE job_sums ({_BY}, jobs INTEGER NOT NULL, {", ".join(f"{column} INTEGER NOT NULL" for column in SUMMED)});
CREATE INDEX job_sums_by_{SUMMED_BY[0]} ON job_sums ({_BY});
"""
# The second statement of a trigger looks at the number of rows that its first one changed.
_ON_WRITE: Final = f"""
CREATE TRIGGER IF NOT EXISTS job_sums_add AFTER INSERT ON queue_index BEGIN
    UPDATE job_sums SET jobs = jobs + 1, {_ADDED.format(sign="+", row="NEW")} WHERE {_SAME.format(row="NEW")};
    INSERT INTO job_sums SELECT {_NEW} WHERE changes() = 0;
END
"""
_ON_REMOVAL: Final = f"""
CREATE TRIGGER IF NOT EXISTS job_sums_subtract AFTER DELETE ON queue_index BEGIN
    UPDATE job_sums SET jobs = jobs - 1, {_ADDED.format(sign="-", row="OLD")} WHERE {_SAME.format(row="OLD")};
    DELETE FROM job_sums WHERE jobs = 0 AND {_SAME.format(row="OLD")};
END
"""


def begin_job_sums(connection: sqlite3.Connection) -> None:
    """Computes the sums of all stored jobs, and keeps them from now on.

    Call it after the first jobs are written. A trigger costs more than a job in the sum of all.
    """
    totals = ", ".join(["count(*)", *(f"coalesce(sum({column}), 0)" for column in SUMMED)])
    grouped = ", ".join(f"+{column}" for column in SUMMED_BY)
    connection.execute("DELETE FROM job_sums")
    connection.execute(f"INSERT INTO job_sums SELECT {_BY}, {totals} FROM queue_index GROUP BY {grouped}")
    for trigger in (_ON_WRITE, _ON_REMOVAL):
        connection.execute(trigger)


def have_sums(columns: Iterable[str]) -> bool:
    """Returns True if the sums have these columns of the queue."""
    return set(columns) <= {*SUMMED_BY, *SUMMED}
