"""Reads pages of the steps of a job. Independent of HTTP.

First come the records of the job's attempts, in the order of /history, then the keys of their steps, each from the
primary key of the step table, at last the rows of one page. So neither an array with many tasks nor a job with many
steps makes a page costly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, Table, and_, literal, or_, select, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from slurm_rest_api.acctapi.column_probe import Schema, readable
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.db_errors import RETRY_SECONDS
from slurm_rest_api.acctapi.history import History
from slurm_rest_api.acctapi.job_rows import read_job_rows
from slurm_rest_api.acctapi.list_page import ListPage
from slurm_rest_api.acctapi.parameters import HistoryParameters, StepsParameters
from slurm_rest_api.acctapi.row_search import cursor_key_of
from slurm_rest_api.acctapi.sql import MAX_SCANS, CursorKey, KeyRange, Page, page_keys
from slurm_rest_api.acctapi.step_records import step_record
from slurm_rest_api.acctapi.tables import REQUIRED_STEP_RECORD_COLUMNS
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.errors import DatabaseUnusable, NotFound
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.web.job_ids import JobId

Record = dict[str, Any]

_MOST_RECORDS: Final = 1000
"""Most records of attempts that one request reads. `meta.next` of its answer continues."""

_KEYS_AT_ONCE: Final = 500


class StepKey(NamedTuple):
    """Sort key of a step: the record of its attempt, its id and component.

    The step -2^31 precedes all steps of the record.
    """

    record: CursorKey
    step: int
    component: int


_BEFORE_ALL: Final = -(2**31)


class Steps:
    """Steps of the records that `history` has. A request returns at most `most` of them."""

    def __init__(self, database: Database, history: History, most: int) -> None:
        self._database = database
        self._history = history
        self._most = most

    def page(
        self, job: JobId, query: StepsParameters, after: StepKey | None, scope: DataScope
    ) -> ListPage[Record, StepKey]:
        """Returns the steps of `job` after the step `after`: the newest attempt first, its batch step first.

        Without task and component, `job` is also an array or a heterogeneous job with all its parts.

        Raises:
            NotFound: there is no such job, or `scope` does not allow it.
            ApiError: the database cannot be used, or the query took too long.
        """
        size = min(query.limit, self._most)
        values: dict[str, Any] = {"jobid": [job.text], "duplicates": query.duplicates}
        of_job = HistoryParameters.model_validate(values)

        def read(connection: Connection, schema: Schema) -> ListPage[Record, StepKey]:
            step = _step_table(schema)
            filters = self._history.filters(connection, schema, of_job, scope, with_parts=True)
            found: list[StepKey] = []
            # The record of the step `after` comes again, with its other steps.
            start = None if after is None else _just_before(after.record)
            for _ in range(0, _MOST_RECORDS, MAX_SCANS):
                page = page_keys(schema.job, filters, KeyRange(), Page(MAX_SCANS, start))
                records = list(map(cursor_key_of, connection.execute(page)))
                if not records and start is None:
                    raise NotFound(unknown_job(job))
                found += _steps_of(connection, step, records, after, size + 1 - len(found))
                start = records[-1] if len(records) == MAX_SCANS else None
                if start is None or len(found) > size:
                    break
            shown = found[:size]
            more = len(found) > size
            last = shown[-1] if more else None if start is None else StepKey(start, 2**31, 0)
            return ListPage(
                self._records(connection, schema, step, shown, query),
                last,
                truncated=(size < query.limit) if more else last is not None,
            )

        return self._database.run(read)

    def _records(
        self, connection: Connection, schema: Schema, step: Table, keys: Sequence[StepKey], query: StepsParameters
    ) -> list[Record]:
        context = self._history.record_context(connection, schema, query.times)
        records: list[Record] = []
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            batch = keys[start : start + _KEYS_AT_ONCE]
            jobs = read_job_rows(connection, schema.job, sorted({key.record.key for key in batch}))
            steps = {
                (row["job_db_inx"], row["id_step"], _component(row)): row
                for row in connection.execute(step_rows(step, batch)).mappings()
            }
            for key in batch:
                row, job = steps.get((key.record.key, key.step, key.component)), jobs.get(key.record.key)
                # slurmdbd may purge either meanwhile.
                if row is not None and job is not None:
                    records.append(step_record(row, job, context))
        return records


def unknown_job(job: JobId) -> str:
    """Returns the message for a job that the accounting database does not have."""
    return (
        f"The accounting database has no job {job.text}. slurmdbd purges old jobs (PurgeJobAfter), and gets new ones"
        f" with some delay. /jobs/{job.text} also has the jobs of slurmctld."
    )


def _step_table(schema: Schema) -> Table:
    step = readable(schema.step, "/history/{id}/steps", "table_step")
    if missing := REQUIRED_STEP_RECORD_COLUMNS - set(step.c.keys()):
        raise DatabaseUnusable(
            f"/history/{{id}}/steps needs columns of {step.name} that the service may not read:"
            f" {', '.join(sorted(missing))}. `slurm-rest-api check` reports the cause.",
            retry_after=RETRY_SECONDS,
        )
    return step


def _just_before(record: CursorKey) -> CursorKey:
    """Returns the cursor after which `record` is the next: no other has the same job and a time up to that."""
    return record._replace(time_submit=record.time_submit + 1)


def _steps_of(
    connection: Connection, step: Table, records: Sequence[CursorKey], after: StepKey | None, limit: int
) -> list[StepKey]:
    """Returns the keys of the first `limit` steps of `records` after the step `after`."""
    if not records:
        return []
    found = connection.execute(step_keys(step, records, after, limit))
    return [StepKey(records[row.place], row.id_step, _component(row._mapping)) for row in found]


def step_keys(
    step: Table, records: Sequence[CursorKey], after: StepKey | None, limit: int
) -> Select[Any] | CompoundSelect[Any]:
    """Selects the keys of the first `limit` steps of `records` in their order. Each part has the same limit."""
    component = [step.c.step_het_comp] if "step_het_comp" in step.c else []
    order = [step.c.id_step, *component]
    parts = []
    for place, record in enumerate(records):
        part = select(literal(place).label("place"), *order)
        part = part.where(step.c.job_db_inx == record.key, step.c.deleted == 0)
        if after is not None and record == after.record:
            later = step.c.id_step > after.step
            if component:
                same = and_(step.c.id_step == after.step, step.c.step_het_comp > after.component)
                later = or_(later, same)
            part = part.where(step.c.id_step >= after.step, later)
        part = part.with_hint(step, "FORCE INDEX (PRIMARY)", "mysql")
        parts.append(part.order_by(*order).limit(limit))
    if len(parts) == 1:
        return parts[0]
    names = ["place", *(column.name for column in order)]
    return union_all(*(select(part.subquery()) for part in parts)).order_by(*names).limit(limit)


def step_rows(step: Table, keys: Sequence[StepKey]) -> Select[Any]:
    """Selects the rows of steps, at most 500, in any order."""
    ids: dict[int, list[int]] = {}
    for key in keys:
        ids.setdefault(key.record.key, []).append(key.step)
    wanted = (and_(step.c.job_db_inx == record, step.c.id_step.in_(steps)) for record, steps in ids.items())
    chosen = select(step).where(or_(*wanted), step.c.deleted == 0)
    return chosen.with_hint(step, "FORCE INDEX (PRIMARY)", "mysql")


def _component(row: Mapping[Any, Any]) -> int:
    component: int = row.get("step_het_comp", NO_VAL)
    return component
