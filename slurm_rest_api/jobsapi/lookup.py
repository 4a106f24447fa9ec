"""Looks up jobs by their ids: first in the snapshot store, then, with one statement, in the accounting database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from slurm_rest_api.acctapi.jobs_by_id import MAX_ATTEMPTS
from slurm_rest_api.acctapi.views import Accounting
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.errors import ApiError, BadParameter
from slurm_rest_api.jobsapi.contract import DEFAULT_FIELDS
from slurm_rest_api.jobsapi.join import Jobs, Joined, incomplete, join
from slurm_rest_api.jobsapi.records import Entry, columns_of, entry_of_history, entry_of_queue, need_names
from slurm_rest_api.slurmapi.query.row_access import RowFilter
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.slurmapi.store.conditions import all_of, is_job
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.job_ids import JobId, JobIdFilter

MAX_JOBS: Final = 10_000
"""Most jobs of slurmctld in one response. An id may be that of an array with any number of tasks."""


@dataclass(frozen=True)
class InQueue:
    """The jobs of the snapshot among those `asked`, and the metadata of its responses."""

    asked: tuple[JobId, ...]
    fields: tuple[str, ...]
    jobs: Jobs
    snapshot: Snapshot


@dataclass(frozen=True)
class Answer:
    """The jobs that were found, and `meta`. `failure` is the error of the accounting database if it is away."""

    joined: Joined
    fields: tuple[str, ...]
    meta: Mapping[str, Any]
    snapshot: Snapshot
    failure: ApiError | None

    def records(self) -> dict[str, dict[str, Any]]:
        """Returns the jobs by id, each with the requested fields."""
        found = {key: {"id": key, **entry.record} for key, entry in self.joined.jobs.items()}
        if self.fields == DEFAULT_FIELDS:
            return found
        return {key: {field: record.get(field) for field in self.fields} for key, record in found.items()}


def in_queue(snapshot: Snapshot, asked: Sequence[JobId], fields: Sequence[str], visible: RowFilter) -> InQueue:
    """Reads the jobs `asked` from the snapshot. The result does not need the snapshot's view any more.

    Raises:
        BadParameter: the ids name more than `MAX_JOBS` jobs.
    """
    entries = _entries(snapshot.view, JobIdFilter(tuple(asked)), frozenset(fields), visible)
    return InQueue(tuple(asked), tuple(fields), Jobs(entries, asked), snapshot)


def answer(found: InQueue, accounting: Accounting | None, scope: DataScope) -> Answer:
    """Completes the jobs of the snapshot with those that only the accounting database has.

    A failure of the database is no failure of the answer: the ids that need it are unanswered.

    Raises:
        BadParameter: the ids name more than `MAX_ATTEMPTS` records.
    """
    missing = incomplete(found.asked, found.jobs)
    history, failure = None, None
    if missing and accounting is not None:
        try:
            history = _history(accounting, missing, found, scope)
        except BadParameter:
            raise
        except ApiError as error:
            failure = error
    joined = join(found.asked, found.jobs, history, is_away=failure is not None)
    state: Literal["on", "off", "unavailable"] = "on" if failure is None else "unavailable"
    return Answer(
        joined=joined,
        fields=found.fields,
        meta=_meta(found.snapshot, joined, "off" if accounting is None else state, failure),
        snapshot=found.snapshot,
        failure=failure,
    )


def _entries(view: StoreView, wanted: JobIdFilter, fields: Collection[str], visible: RowFilter) -> list[Entry]:
    where = is_job(wanted.jobs(), wanted.tasks(), wanted.components(), with_parts=True)
    keys = list(view.ordered_keys(Selection("queue", all_of([visible.where, where]), limit=MAX_JOBS + 1)))
    if len(keys) > MAX_JOBS:
        raise _too_many(f"{MAX_JOBS:,} jobs")
    return [entry_of_queue(orjson.loads(body), fields) for _, body in view.bodies("queue", keys)]


def _history(accounting: Accounting, missing: Sequence[JobId], found: InQueue, scope: DataScope) -> Jobs:
    fields = frozenset(found.fields)
    read = accounting.jobs.find(missing, columns_of(fields), scope, names=need_names(fields))
    if not read.is_complete:
        raise _too_many(f"{MAX_ATTEMPTS:,} records of the accounting database")
    loaded_at = found.snapshot.loaded_at
    return Jobs((entry_of_history(attempt, read.names, fields, loaded_at) for attempt in read.attempts), missing)


def _too_many(most: str) -> BadParameter:
    return BadParameter(
        f"The ids name more than {most}, because some are those of arrays. Ask for fewer ids, or for single tasks such"
        " as 12_3.",
        parameter="id",
    )


def _meta(snapshot: Snapshot, joined: Joined, accounting: str, failure: ApiError | None) -> dict[str, Any]:
    details = [error["detail"] for error in (snapshot.meta["error"],) if error is not None]
    if failure is not None:
        details.append(failure.detail)
    retry_after = None if failure is None else failure.retry_after
    return {
        "source": snapshot.meta["source"],
        "source_detail": snapshot.meta["source_detail"],
        "accounting": accounting,
        "total": len(joined.jobs),
        "stale": snapshot.stale,
        "unknown": joined.unknown,
        "unanswered": joined.unanswered,
        "error": {"detail": " ".join(details), "retry_after": retry_after} if details else None,
    }


def without_date(snapshot: Snapshot, etag: str) -> Snapshot:
    """Returns the representation of a response. It has no date of change, because the database has none."""
    return replace(snapshot, etag=etag, changed_at=0.0)
