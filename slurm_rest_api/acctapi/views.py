"""The accounting routes: /users and /history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.acctapi import users
from slurm_rest_api.acctapi.accounts import Accounts
from slurm_rest_api.acctapi.contract import ASSOCIATION_FIELDS, JOB_FIELDS, HistoryListAnswer, UsersAnswer
from slurm_rest_api.acctapi.coordinators import Coordinators
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.events import Events
from slurm_rest_api.acctapi.history import History
from slurm_rest_api.acctapi.history_sums import HistorySums, SumKey
from slurm_rest_api.acctapi.jobs_by_id import JobsById
from slurm_rest_api.acctapi.parameters import HistoryParameters, UsersParameters
from slurm_rest_api.acctapi.qos_records import QosList
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.acctapi.sql import CursorKey
from slurm_rest_api.acctapi.steps import Steps
from slurm_rest_api.acctapi.sums_contract import default_sum_fields, sum_fields
from slurm_rest_api.acctapi.users import Users
from slurm_rest_api.acctapi.utilization import Utilization
from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import with_etag
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import decode_cursor, encode_cursor, next_link
from slurm_rest_api.web.record_stream import chosen, listing
from slurm_rest_api.web.routes import add_csv_route, create_blueprint, require

ACCOUNTING_TAG: Final = Tag(name="accounting", description="Associations and past jobs, from slurmdbd's database.")


@dataclass(frozen=True)
class Accounting:
    """Parts of the accounting routes. `source` and `cluster` are published in `meta`."""

    database: Database
    history: History
    sums: HistorySums
    users: Users
    coordinators: Coordinators
    jobs: JobsById
    reference_data: ReferenceDataCache
    qos: QosList
    accounts: Accounts | None
    events: Events | None
    steps: Steps | None
    utilization: Utilization | None
    source: str
    cluster: str


def accounting_blueprint(accounting: Accounting | None) -> APIBlueprint:
    """Creates the blueprint of the accounting routes. With None both answer 404 and name `system.use_acct_db`."""
    blueprint = create_blueprint("acctapi", __name__, ACCOUNTING_TAG, "400", "404", "503", "504")

    @blueprint.get("/users", summary="Associations", responses={"200": UsersAnswer})
    def users_route(query: UsersParameters) -> Response:
        """Associations of users, sorted by user, account and partition."""
        return _users(turned_on(accounting), query)

    @blueprint.get("/history", summary="Job records", responses={"200": HistoryListAnswer})
    def history_route(query: HistoryParameters) -> Response:
        """Job records, newest first. With `jobid`: highest id first. With `group_by`: sums."""
        return (_history if query.group_by is None else _sums)(turned_on(accounting), query)

    add_csv_route(blueprint, "/users", users_route)
    add_csv_route(blueprint, "/history", history_route)
    return blueprint


def turned_on(accounting: Accounting | None) -> Accounting:
    """Returns the parts, or raises NotFound if the accounting database is off."""
    return require(accounting, "The accounting database", "system.use_acct_db")


def _users(accounting: Accounting, query: UsersParameters) -> Response:
    fields = chosen_fields(query.fields, ASSOCIATION_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _users_cursor_key)
    page = accounting.users.page(query, after, current_scope())
    meta = page_meta(accounting, len(page.associations), page.next, truncated=page.truncated)
    return listing(chosen(page.records(), fields), fields, query.format, meta)


def _history(accounting: Accounting, query: HistoryParameters) -> Response:
    if query.sort is not None:
        raise BadParameter("`sort` needs `group_by`: records are in the order of their keys.", parameter="sort")
    fields = chosen_fields(query.fields, JOB_FIELDS)
    if query.cursor is not None and query.offset:
        raise BadParameter("`offset` cannot be combined with `cursor`.", parameter="offset")
    after = None if query.cursor is None else decode_cursor(query.cursor, history_cursor_key)
    page = accounting.history.page(query, after, current_scope())
    meta = page_meta(accounting, len(page.keys), page.next, truncated=page.truncated)
    records = accounting.history.records(page, query.times)
    return listing(chosen(records, fields), fields, query.format, meta)


def _sums(accounting: Accounting, query: HistoryParameters) -> Response:
    groups = query.group_by or ()
    fields = default_sum_fields(groups) if query.fields is None else chosen_fields(query.fields, sum_fields(groups))
    if query.cursor is not None and query.offset:
        raise BadParameter("`offset` cannot be combined with `cursor`.", parameter="offset")
    skipped = query.offset if query.cursor is None else decode_cursor(query.cursor, _sum_key)[0]
    page = accounting.sums.page(query, fields, skipped, current_scope())
    meta = page_meta(accounting, len(page.items), page.next, truncated=page.truncated)
    return with_etag(listing(chosen(page.items, fields), fields, query.format, meta))


def page_meta(accounting: Accounting, count: int, cursor_key: Any, *, truncated: bool) -> dict[str, Any]:
    """Returns the metadata of a page. `cursor_key` is the sort key of its last record, None on the last page."""
    return {
        "source": accounting.source,
        "cluster": accounting.cluster,
        "count": count,
        "next": None if cursor_key is None else next_link(encode_cursor(list(cursor_key))),
        "truncated": truncated,
    }


def history_cursor_key(value: Any) -> CursorKey:
    """Returns the sort key of a record of /history that a cursor has, or raises ValueError."""
    key, id_job, time_submit = value
    if not all(isinstance(part, int) and 0 <= part < 2**64 for part in (key, id_job, time_submit)):
        raise ValueError
    return CursorKey(key, id_job, time_submit)


def _sum_key(value: Any) -> SumKey:
    (skipped,) = value
    if not (isinstance(skipped, int) and 0 <= skipped < 2**63):
        raise ValueError
    return (skipped,)


def _users_cursor_key(value: Any) -> users.CursorKey:
    user, acct, partition, number = value
    if not (all(isinstance(part, str) for part in (user, acct, partition)) and isinstance(number, int)):
        raise ValueError
    return user, acct, partition, number
