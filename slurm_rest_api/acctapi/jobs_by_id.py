"""Reads the records of jobs by their ids, with one statement for any number of ids.

Each part of the statement forces the index that finds its ids: `id_job`, `array_job` and `het_job`. slurmdbd makes the
first two since 15.08 and the third since 20.02. Its predecessor `pack_job` is missing in some databases, so it cannot
be forced. There the id of a heterogeneous job finds its leader only: a search without an index could read all records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, Integer, Select, Table, and_, or_, select, tuple_, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from slurm_rest_api.acctapi import encodings, states
from slurm_rest_api.acctapi.associations import Association
from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.filters import Condition, Filters, conditions, one_of_many
from slurm_rest_api.acctapi.joined_numbers import joined_numbers, numbers_of
from slurm_rest_api.acctapi.reference_data import ReferenceData, ReferenceDataCache
from slurm_rest_api.acctapi.resolve_names import visible_records
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurm.partitions import shown_partitions
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.web.job_ids import JobId

MAX_ATTEMPTS: Final = 20_000
"""Most records that one request reads. An array has one for each attempt at each task."""

COLUMNS: Final = (
    "job_db_inx", "id_job", "id_array_job", "id_array_task", "array_task_str", "het_job_id", "het_job_offset",
    "pack_job_id", "pack_job_offset", "state", "state_reason_prev", "exit_code", "derived_ec", "time_submit",
    "time_start", "time_end", "nodelist", "restart_cnt",
)  # fmt: skip
"""Columns that are always read, as far as the database has them."""

Row = Mapping[str, Any]
Pair = tuple[int, int]


class Columns(NamedTuple):
    """The columns of the job table that a statement reads."""

    numbers: list[Column[Any]]
    others: list[Column[Any]]


class Names(NamedTuple):
    """Names of the numbers in the records of one reading. `reference` is None if no names were asked for."""

    reference: ReferenceData | None
    users: UserNames
    cluster: str
    hidden: frozenset[str]

    def association(self, row: Row) -> Association | None:
        """Returns the association that a record belongs to."""
        return None if self.reference is None else self.reference.associations.by_id(row["id_assoc"])

    def qos(self, number: int) -> str | None:
        """Returns the name of a QOS."""
        return None if self.reference is None else self.reference.qos.get(number)


class LastAttempt(NamedTuple):
    """The newest record of a job. `requeues` is the number of its attempts that ended in a requeue.

    `tasks` are the pending tasks of an array as in `array_task_str`, None for all other records.
    """

    row: Row
    job: int
    array: int | None
    task: int | None
    tasks: str | None
    leader: int | None
    component: int | None
    requeues: int


class Found(NamedTuple):
    """Newest records of the jobs. `is_complete` is False if there are more than `MAX_ATTEMPTS` records."""

    attempts: list[LastAttempt]
    names: Names
    is_complete: bool


class JobsById:
    """Finds jobs of one cluster. Jobs that are in the partitions `hidden` alone are never found."""

    def __init__(
        self,
        database: Database,
        reference_data: ReferenceDataCache,
        hidden: frozenset[str],
        cluster: str,
        accounts: UserNames | None = None,
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._hidden = hidden
        self._cluster = cluster
        self._accounts = accounts or UserNames()

    def find(self, jobs: Sequence[JobId], more: Collection[str], scope: DataScope, *, names: bool) -> Found:
        """Reads the newest record of each of `jobs`, of all tasks of an array, and of all components of a job.

        Args:
            jobs: an id without task and component is also that of an array, or of a heterogeneous job.
            more: columns in addition to `COLUMNS`. Rows lack those that this database lacks.
            scope: only records that it allows are found.
            names: also return the names of users, associations and QOS, which are cached.

        Raises:
            ApiError: the database cannot be used, or the query took too long.
        """

        def read(connection: Connection, schema: Schema) -> Found:
            self._accounts.expire()
            reference = self._reference_data.get(connection, schema) if names else None
            statement = self._statement(connection, schema, jobs, more, scope)
            rows = [] if statement is None else _rows(connection, *statement)
            shown = [attempt for attempt in newest(rows) if self._is_shown(attempt.row)]
            known = Names(reference, self._accounts, self._cluster, self._hidden)
            return Found(shown, known, len(rows) <= MAX_ATTEMPTS)

        return self._database.run(read)

    def _statement(
        self, connection: Connection, schema: Schema, jobs: Sequence[JobId], more: Collection[str], scope: DataScope
    ) -> tuple[CompoundSelect[Any], Columns] | None:
        visible = None
        if scope.hides("jobs", "usage"):
            visible = visible_records(
                scope,
                self._reference_data.get(connection, schema),
                lambda: self._reference_data.orphan_association_ids(connection, schema),
                self._accounts,
            )
        allowed = conditions(schema.job, Filters(visible=visible))
        names = dict.fromkeys([*COLUMNS, *(["partition"] if self._hidden else []), *more])
        present = [schema.job.c[name] for name in names if name in schema.job.c]
        numbers = [column for column in present if isinstance(column.type, Integer)]
        columns = Columns(numbers, [column for column in present if column not in set(numbers)])
        statement = attempts_at(schema.job, jobs, columns, allowed)
        return None if statement is None else (statement, columns)

    def _is_shown(self, row: Row) -> bool:
        """Returns False for a job that is in hidden partitions alone. Its newest record decides."""
        return not self._hidden or not row["partition"] or bool(shown_partitions(row["partition"], self._hidden))


def _rows(connection: Connection, statement: CompoundSelect[Any], columns: Columns) -> list[Row]:
    names = [column.name for column in (*columns.numbers, *columns.others)]
    return [
        dict(zip(names, (*numbers_of(row[0]), *row[1:]), strict=True)) for row in connection.execute(statement).all()
    ]


def attempts_at(
    job: Table, jobs: Sequence[JobId], columns: Columns, allowed: Sequence[Condition]
) -> CompoundSelect[Any] | None:
    """Selects the records of `jobs`, at most one more than `MAX_ATTEMPTS`. A record may be selected twice.

    The first column has all numbers as `joined_numbers`.

    Returns None if none of the ids can be that of a job: 0 and NO_VAL mean "no array" and "no heterogeneous job".
    """
    possible = [found for found in jobs if 0 < found.job < NO_VAL]
    if not possible:
        return None
    chosen = [joined_numbers(*columns.numbers).label("numbers"), *columns.others]

    def scan(index: str, *wanted: Condition) -> Select[Any]:
        return (
            select(*chosen).where(*wanted, *allowed).with_hint(job, f"FORCE INDEX ({index})" if index else "", "mysql")
        )

    plain = [found.job for found in possible if found.task is None and found.component is None]
    tasks = [(found.job, found.task) for found in possible if found.task is not None]
    components = [(found.job, found.component) for found in possible if found.component is not None]
    scans = []
    if plain:
        scans += [
            scan("id_job", one_of_many(job.c.id_job, plain)),
            scan("array_job", one_of_many(job.c.id_array_job, plain)),
        ]
    if tasks:
        scans.append(scan("array_job", *_is_task(job, tasks)))
    het = _het_columns(job)
    if het is not None:
        index, leader, offset = het
        if plain and index:
            scans.append(scan(index, one_of_many(leader, plain)))
        if components:
            leaders = {found[0] for found in components}
            scans.append(scan(index, one_of_many(leader, leaders), one_of_many(tuple_(leader, offset), components)))
    return union_all(*scans).limit(MAX_ATTEMPTS + 1) if scans else None


def _is_task(job: Table, tasks: Sequence[Pair]) -> list[Condition]:
    """Returns the conditions for array tasks. A pending task has no record of its own: it is in that of its array."""
    array, pending = job.c.id_array_job, job.c.array_task_str
    own = one_of_many(tuple_(array, job.c.id_array_task), tasks)
    return [one_of_many(array, {found[0] for found in tasks}), or_(own, and_(pending.is_not(None), pending != ""))]


def _het_columns(job: Table) -> tuple[str, Any, Any] | None:
    """Returns index, leader and offset of heterogeneous jobs. Slurm has them since 17.11."""
    if "het_job_id" in job.c:
        return "het_job", job.c.het_job_id, job.c.het_job_offset
    return ("", job.c.pack_job_id, job.c.pack_job_offset) if "pack_job_id" in job.c else None


def newest(rows: Iterable[Row]) -> list[LastAttempt]:
    """Returns the newest record of each job: the one with the latest submit time, like sacct without --duplicates.

    A requeue and a resize begin a new record with a new submit time. Revoked siblings of a federation are left out.
    """
    last: dict[int, Row] = {}
    attempts: dict[int, set[int]] = {}
    for row in rows:
        if row["state"] == states.REVOKED:
            continue
        job = row["id_job"]
        if row["state"] == states.REQUEUED:
            attempts.setdefault(job, set()).add(row["job_db_inx"])
        known = last.get(job)
        if known is None or _age(known) < _age(row):
            last[job] = row
    return [_last_attempt(row, len(attempts.get(job, ()))) for job, row in last.items()]


def _age(row: Row) -> Pair:
    return row["time_submit"], row["job_db_inx"]


def _last_attempt(row: Row, requeues: int) -> LastAttempt:
    array, task = encodings.known(row["id_array_job"]), encodings.number(row["id_array_task"])
    leader = encodings.known(row.get("het_job_id", row.get("pack_job_id")))
    offset = row.get("het_job_offset", row.get("pack_job_offset")) if leader else None
    return LastAttempt(
        row=row,
        job=row["id_job"],
        array=array,
        task=task if array else None,
        tasks=(row["array_task_str"] or None) if array else None,
        leader=leader,
        component=encodings.number(offset),
        requeues=requeues,
    )
