"""Writes the demo's accounting database: an SQLite file with slurmdbd's tables, which /users and /history read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Index, MetaData, Table, Text, create_engine, event, insert, select, update

from slurm_rest_api.acctapi.tables import (
    ACCT_TABLE,
    COORD_TABLE,
    JOB_COLUMNS,
    OLD_STEP_COLUMNS,
    STEP_COLUMNS,
    acct_table,
    assoc_table,
    coord_table,
    event_table,
    job_table,
    qos_table,
    resv_table,
    step_table,
    tres_table,
)
from slurm_rest_api.acctapi.usage_window import floor, following
from slurm_rest_api.demo.accounting_rows import (
    Row,
    account_rows,
    association_rows,
    cluster_event_row,
    coordinator_rows,
    qos_rows,
    tres_rows,
)
from slurm_rest_api.demo.step_rows import step_rows
from slurm_rest_api.demo.usage_rollup import roll_up, usage_tables

__all__ = [
    "ACCT_TABLE",
    "ASSOC_TABLE",
    "COORD_TABLE",
    "EVENT_TABLE",
    "JOB_TABLE",
    "RESV_TABLE",
    "STEP_TABLE",
    "AccountingFile",
]

JOB_TABLE: Final = "demo_job_table"
ASSOC_TABLE: Final = "demo_assoc_table"
STEP_TABLE: Final = "demo_step_table"
EVENT_TABLE: Final = "demo_event_table"
RESV_TABLE: Final = "demo_resv_table"

_BATCH: Final = 2000
_DAY: Final = 86400
_ROLLED_UP: Final = "rolled_up_until"
_BUSY_SECONDS: Final = 60
_INDEXED: Final = (("id_job", "time_submit"), ("id_assoc",), ("id_array_job",), ("time_end", "state"))


class AccountingFile:
    """Writing side of the database in `file`, which is created if missing. More than one process may write."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": _BUSY_SECONDS})
        event.listen(self._engine, "connect", _prepare)
        # Before 21.08 these columns had other names.
        self._jobs = job_table(JOB_TABLE, JOB_COLUMNS - {"pack_job_id", "pack_job_offset"})
        for columns in _INDEXED:
            Index("_".join(columns), *(self._jobs.c[name] for name in columns))
        self._steps = step_table(STEP_TABLE, STEP_COLUMNS - OLD_STEP_COLUMNS)
        # Unique, so that writing a step again replaces it.
        Index("step_of_job", self._steps.c.job_db_inx, self._steps.c.id_step, unique=True)
        self._notes = Table("demo_note", MetaData(), Column("name", Text, primary_key=True), Column("value", Text))
        self._make()

    def write(self, rows: Iterable[Row]) -> None:
        """Stores job records with their steps. Replaces records with the same key."""
        jobs, steps = (insert(table).prefix_with("OR REPLACE") for table in (self._jobs, self._steps))
        pending = iter(rows)
        while batch := list(islice(pending, _BATCH)):
            with self._engine.begin() as connection:
                connection.execute(jobs, batch)
                if used := step_rows(batch):
                    connection.execute(steps, used)

    def write_events(self, rows: list[Row], ends: int | None = None) -> None:
        """Stores events. With `ends`, an epoch second, those that went on before and are not in `rows` end then."""
        events = event_table(EVENT_TABLE)
        with self._engine.begin() as connection:
            if ends is not None:
                open_ones = (events.c.time_end == 0, events.c.node_name != "")
                connection.execute(update(events).where(*open_ones).values(time_end=ends))
            if rows:
                connection.execute(insert(events).prefix_with("OR REPLACE"), rows)

    def roll_up(self, total: Mapping[int, int], days: int, now: int) -> None:
        """Sums up the hours that ended since the last call, or in the last `days` of the first one.

        `total` has the amount of each TRES of the cluster by its id.
        """
        until = floor(now, "hour")
        since = self.read_note(_ROLLED_UP) or floor(until - days * _DAY, "hour")
        if since >= until:
            return
        start = since
        while start < until:
            end = min(until, following(floor(start, "day"), "day"))
            # A day at a time: other processes wait for the lock, and give up after a minute.
            with self._engine.begin() as connection:
                roll_up(connection, JOB_TABLE, EVENT_TABLE, total, start, end)
            start = end
        self.write_note(_ROLLED_UP, until)

    @property
    def is_rolled_up(self) -> bool:
        """Returns True if `roll_up` was called before."""
        return self.read_note(_ROLLED_UP) is not None

    def write_note(self, name: str, value: int) -> None:
        """Stores a number under a name."""
        with self._engine.begin() as connection:
            connection.execute(insert(self._notes).prefix_with("OR REPLACE"), {"name": name, "value": str(value)})

    def read_note(self, name: str) -> int | None:
        """Returns the number stored under a name. None if there is none."""
        with self._engine.connect() as connection:
            value = connection.execute(select(self._notes.c.value).where(self._notes.c.name == name)).scalar()
        return None if value is None else int(value)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _make(self) -> None:
        names = (
            (assoc_table(ASSOC_TABLE), association_rows()),
            (qos_table(), qos_rows()),
            (tres_table(), tres_rows()),
            (acct_table(ACCT_TABLE), account_rows()),
            (coord_table(), coordinator_rows()),
            (event_table(EVENT_TABLE), [cluster_event_row()]),
        )
        with self._engine.begin() as connection:
            # No job uses a reservation.
            resv_table(RESV_TABLE).create(connection, checkfirst=True)
            self._jobs.create(connection, checkfirst=True)
            self._steps.create(connection, checkfirst=True)
            self._notes.create(connection, checkfirst=True)
            for usage in usage_tables():
                usage.create(connection, checkfirst=True)
            for table, rows in names:
                table.create(connection, checkfirst=True)
                connection.execute(insert(table).prefix_with("OR REPLACE"), rows)


def _prepare(connection: Any, _record: Any) -> None:
    # WAL: readers continue while records are written. OFF: lost records can be computed again.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
