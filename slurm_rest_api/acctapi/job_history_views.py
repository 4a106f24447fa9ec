"""The routes of one job in the accounting database: /history/{id} and /history/{id}/steps."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.acctapi.contract import JOB_FIELDS, HistoryAnswer
from slurm_rest_api.acctapi.parameters import AttemptsParameters, HistoryParameters, HistoryPath, StepsParameters
from slurm_rest_api.acctapi.step_contract import STEP_FIELDS, StepsAnswer
from slurm_rest_api.acctapi.steps import StepKey, Steps, unknown_job
from slurm_rest_api.acctapi.views import ACCOUNTING_TAG, Accounting, history_cursor_key, page_meta, turned_on
from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import with_etag
from slurm_rest_api.web.error_texts import shown
from slurm_rest_api.web.job_ids import JobId, parse_job_id
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import add_related_link, decode_cursor
from slurm_rest_api.web.parameters import as_csv
from slurm_rest_api.web.record_stream import chosen, listing
from slurm_rest_api.web.routes import create_blueprint


def job_history_blueprint(accounting: Accounting | None) -> APIBlueprint:
    """Creates the blueprint of these routes. Without `accounting` both answer 404 and name `system.use_acct_db`."""
    blueprint = create_blueprint("acctapi_job_history", __name__, ACCOUNTING_TAG, "400", "404", "412", "503", "504")

    @blueprint.get("/history/<id>", summary="One job", responses={"200": HistoryAnswer})
    def attempts_route(path: HistoryPath, query: AttemptsParameters) -> Response:
        """The records of one job, the newest attempt first. An array or a heterogeneous job has those of all its parts.

        The header `Link` (rel=related) leads to its latest state in /jobs, and to its steps if they are read.
        """
        return _attempts(turned_on(accounting), path.id, query)

    @blueprint.get("/history/<id>/steps", summary="Steps of one job", responses={"200": StepsAnswer})
    def steps_route(path: HistoryPath, query: StepsParameters) -> Response:
        """The steps of one job with what each used: those of the newest attempt first, its batch step first."""
        return _steps(turned_on(accounting), path.id, query)

    @blueprint.get("/history/<id>.csv", doc_ui=False)
    def attempts_csv_route(path: HistoryPath, query: AttemptsParameters) -> Response:
        return _attempts(turned_on(accounting), path.id, as_csv(query))

    @blueprint.get("/history/<id>/steps.csv", doc_ui=False)
    def steps_csv_route(path: HistoryPath, query: StepsParameters) -> Response:
        return _steps(turned_on(accounting), path.id, as_csv(query))

    return blueprint


def _attempts(accounting: Accounting, text: str, query: AttemptsParameters) -> Response:
    job, fields = _job_id(text), chosen_fields(query.fields, JOB_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, history_cursor_key)
    values: dict[str, Any] = {"jobid": [job.text], "limit": query.limit, "duplicates": query.duplicates}
    page = accounting.history.page(HistoryParameters.model_validate(values), after, current_scope(), with_parts=True)
    if not page.keys and after is None:
        page.session.close()
        raise NotFound(unknown_job(job))
    meta = page_meta(accounting, len(page.keys), page.next, truncated=page.truncated)
    records = accounting.history.records(page, query.times)
    response = with_etag(listing(chosen(records, fields), fields, query.format, meta))
    if accounting.steps is not None:
        add_related_link(response, "/history/", job.text, "/steps")
    # It answers from slurmctld while that has the job. An array has more than one job, so the route is that of lists.
    add_related_link(response, "/jobs?id=", job.text)
    return response


def _steps(accounting: Accounting, text: str, query: StepsParameters) -> Response:
    job, fields = _job_id(text), chosen_fields(query.fields, STEP_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _step_key)
    page = _step_part(accounting).page(job, query, after, current_scope())
    following = None if page.next is None else (*page.next.record, page.next.step, page.next.component)
    meta = page_meta(accounting, len(page.items), following, truncated=page.truncated)
    return with_etag(listing(chosen(page.items, fields), fields, query.format, meta))


def _step_part(accounting: Accounting) -> Steps:
    if accounting.steps is None:
        raise NotFound(
            "/history/{id}/steps is turned off: `database.table_step` is not set. An administrator can set it to the"
            " cluster's step table."
        )
    return accounting.steps


def _job_id(text: str) -> JobId:
    try:
        return parse_job_id(text)
    except ValueError as error:
        raise BadParameter(f"Invalid job id: {shown(text)}. {str(error).capitalize()}.", parameter="id") from None


def _step_key(value: Any) -> StepKey:
    *record, step, component = value
    if not (isinstance(step, int) and -(2**31) <= step <= 2**31 and isinstance(component, int)):
        raise ValueError
    if not 0 <= component < 2**32:
        raise ValueError
    return StepKey(history_cursor_key(record), step, component)
