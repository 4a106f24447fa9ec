"""The routes /jobs and /jobs/{id}."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.acctapi.views import Accounting
from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.jobsapi.contract import DEFAULT_FIELDS, FIELDS, JobsResponse, PolledJobAnswer
from slurm_rest_api.jobsapi.lookup import Answer, answer, in_queue, without_date
from slurm_rest_api.jobsapi.parameters import JobParameters, JobPath, JobsParameters
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.responses.refresh import Refresher
from slurm_rest_api.slurmapi.responses.snapshot import LiveState
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import buffered_or_streamed_response, no_store, not_modified
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.error_texts import shown
from slurm_rest_api.web.job_ids import JobId, parse_job_id
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import add_related_link
from slurm_rest_api.web.routes import add_csv_route, create_blueprint
from slurm_rest_api.web.server import client_disconnected_check
from slurm_rest_api.web.text_formats import MIMETYPES, Format, table_of

_TABLE_FIELDS: Final = ("id", "state", "phase", "exit_code", "exit_signal", "start_time", "end_time", "nodes", "source")


def jobs_blueprint(live: LiveState, refresher: Refresher, accounting: Accounting | None) -> APIBlueprint:
    """Creates the blueprint of /jobs. Without `accounting` only jobs that slurmctld has are found."""
    blueprint = create_blueprint(
        "jobsapi",
        __name__,
        Tag(name="jobs", description="Jobs by their ids, of slurmctld and of slurmdbd's database."),
        "400",
        "503",
    )
    responder = _Responder(live, refresher, accounting)

    @blueprint.get("/jobs", summary="Jobs by their ids", responses={"200": JobsResponse})
    def jobs(query: JobsParameters) -> Response:
        """Up to 1,000 jobs by their ids, waiting, running or ended at any time. For programs that poll their jobs."""
        return responder.jobs(query)

    @blueprint.get(
        "/jobs/<id>",
        summary="A job by its id",
        responses={"200": PolledJobAnswer, "404": ErrorAnswer, "504": ErrorAnswer},
    )
    def job_by_id(path: JobPath, query: JobParameters) -> Response:
        """One job, task of an array or component of a heterogeneous job, wherever it is known.

        With the accounting database the header `Link` (rel=related) leads to its records in /history.
        """
        return responder.job(path.id, query)

    add_csv_route(blueprint, "/jobs", jobs)
    return blueprint


class _Responder:
    """Builds the responses."""

    def __init__(self, live: LiveState, refresher: Refresher, accounting: Accounting | None) -> None:
        self._live = live
        self._refresher = refresher
        self._accounting = accounting

    def jobs(self, query: JobsParameters) -> Response:
        """Returns the response of /jobs."""
        if query.id is None:
            raise BadParameter("`id` is missing. Name the jobs: `id=123,12_3`.", parameter="id")
        usual = _TABLE_FIELDS if query.format == "table" else DEFAULT_FIELDS
        found = self._answer(query.id, usual if query.fields is None else chosen_fields(query.fields, FIELDS))
        body = _json(found.records(), found.meta) if query.format == "json" else _table(found, query.format)
        response = _response(found, body, MIMETYPES[query.format])
        response.headers["X-Total-Count"] = str(found.meta["total"])
        return response

    def job(self, text: str, query: JobParameters) -> Response:
        """Returns the response of /jobs/{id}."""
        try:
            asked = parse_job_id(text)
        except ValueError as error:
            raise BadParameter(f"Invalid job id: {shown(text)}. {str(error).capitalize()}.", parameter="id") from None
        found = self._answer((asked,), DEFAULT_FIELDS if query.fields is None else chosen_fields(query.fields, FIELDS))
        if found.failure is not None:
            raise found.failure
        records = found.records()
        if asked.text not in records and records:
            raise BadParameter(
                f"{asked.text} is the id of an array or a heterogeneous job, which has more than one part. Ask for one"
                f" part by its own id, or for all of them: /jobs?id={asked.text}.",
                parameter="id",
            )
        if not records:
            raise NotFound(_unknown(asked, has_accounting=self._accounting is not None))
        response = _response(found, _json(records[asked.text], found.meta), MIMETYPES["json"])
        if self._accounting is not None:
            add_related_link(response, "/history/", asked.text)
        return response

    def _answer(self, asked: Sequence[JobId], fields: Sequence[str]) -> Answer:
        if request.cache_control.no_cache:
            self._refresher.refresh(client_disconnected_check())
        scope = current_scope()
        visible = row_filter_for("queue", scope)
        with self._live.open("queue", visible.cache_key, client_disconnected_check()) as snapshot:
            found = in_queue(snapshot, asked, fields, visible)
        # The snapshot is closed: the database may take its time.
        return answer(found, self._accounting, scope)


def _unknown(asked: JobId, *, has_accounting: bool) -> str:
    if has_accounting:
        return f"There is no job {asked.text}, neither in slurmctld nor in the accounting database."
    return (
        f"slurmctld has no job {asked.text}. It forgets a job some minutes after its end (MinJobAge), and the"
        " accounting database is turned off (`system.use_acct_db`)."
    )


def _json(data: Any, meta: Any) -> bytes:
    return orjson.dumps({"data": data, "meta": meta})


def _table(found: Answer, format: Format) -> bytes:  # noqa: A002 - the parameter's own name
    return b"".join(table_of(format, _rows(found), found.fields))


def _rows(found: Answer) -> Iterator[dict[str, Any]]:
    """Yields the jobs, and a row for each id without an answer: tables have no `meta`."""
    yield from found.records().values()
    for phase, ids in (("unknown", found.joined.unknown), ("unanswered", found.joined.unanswered)):
        for text in ids:
            row = {"id": text, "phase": phase}
            yield {field: row.get(field) for field in found.fields}


def _response(found: Answer, body: bytes, mimetype: str) -> Response:
    """Returns the response with `body`, or a 304. A response with ids that are unanswered may not be stored."""
    now = time.time()
    representation = without_date(found.snapshot, hashlib.blake2b(body, digest_size=16).hexdigest())
    response = not_modified(representation, now) or buffered_or_streamed_response(
        representation, iter([body]), now, mimetype=mimetype
    )
    del response.headers["Last-Modified"]
    return response if found.failure is None else no_store(response)
