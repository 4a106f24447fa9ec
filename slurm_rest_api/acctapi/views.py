"""The routes over slurmdbd's database: /users and /history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.acctapi import users
from slurm_rest_api.acctapi.contract import ASSOCIATION_FIELDS, JOB_FIELDS, HistoryAnswer, UsersAnswer
from slurm_rest_api.acctapi.coordinators import Coordinators
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.history import History
from slurm_rest_api.acctapi.parameters import HistoryParameters, UsersParameters
from slurm_rest_api.acctapi.sql import CursorKey
from slurm_rest_api.acctapi.users import Users
from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import decode_cursor, encode_cursor, next_link
from slurm_rest_api.web.parameters import as_csv
from slurm_rest_api.web.record_stream import chosen, listing


@dataclass(frozen=True)
class Accounting:
    """What answers: `source` and `cluster` are for `meta`."""

    database: Database
    history: History
    users: Users
    coordinators: Coordinators
    source: str
    cluster: str


def accounting_blueprint(accounting: Accounting | None) -> APIBlueprint:
    """The blueprint of the accounting routes; None: the database is not used, and both are a 404 that says so."""
    blueprint = APIBlueprint(
        "acctapi",
        __name__,
        abp_tags=[Tag(name="accounting", description="Associations and past jobs, from slurmdbd's database.")],
        abp_responses=dict.fromkeys(("400", "404", "503", "504"), ErrorAnswer),
    )

    @blueprint.get("/users", summary="Associations", responses={"200": UsersAnswer})
    def users_route(query: UsersParameters) -> Response:
        """Associations of users, sorted by user, account and partition."""
        return _users(_in_use(accounting), query)

    @blueprint.get("/history", summary="Job records", responses={"200": HistoryAnswer})
    def history_route(query: HistoryParameters) -> Response:
        """Job records, the newest first; with `jobid`, the highest id first."""
        return _history(_in_use(accounting), query)

    # The same as format=csv; the document names it once.
    @blueprint.get("/users.csv", doc_ui=False)
    def users_csv(query: UsersParameters) -> Response:
        return _users(_in_use(accounting), as_csv(query))

    @blueprint.get("/history.csv", doc_ui=False)
    def history_csv(query: HistoryParameters) -> Response:
        return _history(_in_use(accounting), as_csv(query))

    return blueprint


def _in_use(accounting: Accounting | None) -> Accounting:
    if accounting is None:
        raise NotFound(
            "This service does not use the accounting database. Its administrator turns this route on with"
            " system.use_acct_db in the configuration."
        )
    return accounting


def _users(accounting: Accounting, query: UsersParameters) -> Response:
    fields = chosen_fields(query.fields, ASSOCIATION_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _users_cursor_key)
    page = accounting.users.page(query, after, current_scope())
    meta = _meta(accounting, len(page.associations), page.next, truncated=page.truncated)
    return listing(chosen(page.records(), fields), fields, query.format, meta)


def _history(accounting: Accounting, query: HistoryParameters) -> Response:
    fields = chosen_fields(query.fields, JOB_FIELDS)
    if query.cursor is not None and query.offset:
        raise BadParameter("cursor and offset exclude each other: a cursor is a place already.", parameter="offset")
    after = None if query.cursor is None else decode_cursor(query.cursor, _history_cursor_key)
    page = accounting.history.page(query, after, current_scope())
    meta = _meta(accounting, len(page.keys), page.next, truncated=page.truncated)
    records = accounting.history.records(page, query.times)
    return listing(chosen(records, fields), fields, query.format, meta)


def _meta(accounting: Accounting, count: int, cursor_key: Any, *, truncated: bool) -> dict[str, Any]:
    return {
        "source": accounting.source,
        "cluster": accounting.cluster,
        "count": count,
        "next": None if cursor_key is None else next_link(encode_cursor(list(cursor_key))),
        "truncated": truncated,
    }


def _history_cursor_key(value: Any) -> CursorKey:
    key, id_job, time_submit = value
    if not all(isinstance(part, int) and 0 <= part < 2**64 for part in (key, id_job, time_submit)):
        raise ValueError
    return CursorKey(key, id_job, time_submit)


def _users_cursor_key(value: Any) -> users.CursorKey:
    user, acct, partition, number = value
    if not (all(isinstance(part, str) for part in (user, acct, partition)) and isinstance(number, int)):
        raise ValueError
    return user, acct, partition, number
