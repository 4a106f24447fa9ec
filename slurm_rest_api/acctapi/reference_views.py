"""The routes of what slurmdbd knows beyond jobs and users: /qos, /accounts, /events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.acctapi.accounts import Accounts
from slurm_rest_api.acctapi.events import EventKey, ShownNodes
from slurm_rest_api.acctapi.qos_records import QosKey
from slurm_rest_api.acctapi.reference_contract import (
    ACCOUNT_DETAIL_FIELDS,
    ACCOUNT_FIELDS,
    EVENT_FIELDS,
    EVENT_SUM_FIELDS,
    QOS_FIELDS,
    AccountAnswer,
    AccountsAnswer,
    EventsAnswer,
    QosAnswer,
    QosListAnswer,
)
from slurm_rest_api.acctapi.reference_parameters import (
    AccountPath,
    AccountsParameters,
    EventsParameters,
    QosParameters,
    QosPath,
    SingleParameters,
)
from slurm_rest_api.acctapi.views import ACCOUNTING_TAG, Accounting, page_meta, turned_on
from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import with_etag
from slurm_rest_api.web.envelope import JSON
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import decode_cursor
from slurm_rest_api.web.record_stream import chosen, listing
from slurm_rest_api.web.routes import add_csv_route, create_blueprint


def reference_blueprint(accounting: Accounting | None, shown_nodes: ShownNodes | None = None) -> APIBlueprint:
    """Creates the blueprint of these routes. Without `accounting` all answer 404 and name `system.use_acct_db`.

    `shown_nodes` returns the nodes whose events are shown. None: of all nodes.
    """
    blueprint = create_blueprint("acctapi_reference", __name__, ACCOUNTING_TAG, "400", "404", "412", "503", "504")

    @blueprint.get("/qos", summary="QOS", responses={"200": QosListAnswer})
    def qos_list_route(query: QosParameters) -> Response:
        """QOS with their limits, sorted by name."""
        return _qos_list(turned_on(accounting), query)

    @blueprint.get("/qos/<name>", summary="One QOS", responses={"200": QosAnswer})
    def qos_route(path: QosPath, query: SingleParameters) -> Response:
        """One QOS with its limits."""
        present = turned_on(accounting)
        fields = chosen_fields(query.fields, QOS_FIELDS)
        return _single(present, chosen([present.qos.one(path.name)], fields))

    @blueprint.get("/accounts", summary="Accounts", responses={"200": AccountsAnswer})
    def accounts_route(query: AccountsParameters) -> Response:
        """Accounts with their limits and users. Each precedes those below it."""
        return _accounts(turned_on(accounting), query)

    @blueprint.get("/accounts/<name>", summary="One account", responses={"200": AccountAnswer})
    def account_route(path: AccountPath, query: SingleParameters) -> Response:
        """One account with its limits, its users and the accounts directly below it."""
        present = turned_on(accounting)
        fields = chosen_fields(query.fields, ACCOUNT_DETAIL_FIELDS)
        found = _account_part(present).one(path.name, current_scope())
        return _single(present, chosen([found.record], fields), truncated=found.truncated)

    @blueprint.get("/events", summary="Events of nodes", responses={"200": EventsAnswer})
    def events_route(query: EventsParameters) -> Response:
        """Events of nodes (down, drained, maintenance), newest first, or their sums."""
        return _events(turned_on(accounting), query, shown_nodes)

    add_csv_route(blueprint, "/events", events_route)
    add_csv_route(blueprint, "/qos", qos_list_route)
    add_csv_route(blueprint, "/accounts", accounts_route)
    return blueprint


def _qos_list(accounting: Accounting, query: QosParameters) -> Response:
    fields = chosen_fields(query.fields, QOS_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _qos_key)
    page = accounting.qos.page(query, after)
    meta = page_meta(accounting, len(page.items), page.next, truncated=page.truncated)
    return with_etag(listing(chosen(page.items, fields), fields, query.format, meta))


def _qos_key(value: Any) -> QosKey:
    name, number = value
    if not (isinstance(name, str) and isinstance(number, int)):
        raise ValueError
    return name, number


def _accounts(accounting: Accounting, query: AccountsParameters) -> Response:
    fields = chosen_fields(query.fields, ACCOUNT_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _account_key)
    page = _account_part(accounting).page(query, after, current_scope())
    meta = page_meta(accounting, len(page.items), page.next, truncated=page.truncated)
    return with_etag(listing(chosen(page.items, fields), fields, query.format, meta))


def _events(accounting: Accounting, query: EventsParameters, shown_nodes: ShownNodes | None) -> Response:
    if accounting.events is None:
        raise NotFound(
            "/events is turned off: `database.table_event` is not set. An administrator can set it to the cluster's"
            " event table."
        )
    fields = chosen_fields(query.fields, EVENT_SUM_FIELDS if query.group_by else EVENT_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _event_key)
    if query.group_by and after is not None:
        raise BadParameter("`group_by` cannot be combined with `cursor`. Leave one of them out.", parameter="cursor")
    shown = None if shown_nodes is None else shown_nodes()
    page = accounting.events.sums(query, shown) if query.group_by else accounting.events.page(query, after, shown)
    meta = page_meta(accounting, len(page.items), page.next, truncated=page.truncated)
    return with_etag(listing(chosen(page.items, fields), fields, query.format, meta))


def _event_key(value: Any) -> EventKey:
    start, node = value
    if not (isinstance(start, int) and 0 <= start < 2**63 and isinstance(node, str)):
        raise ValueError
    return start, node


def _account_part(accounting: Accounting) -> Accounts:
    if accounting.accounts is None:
        raise NotFound(
            "/accounts is turned off: `database.table_acct` is not set. An administrator can set it to acct_table."
        )
    return accounting.accounts


def _account_key(value: Any) -> str:
    (name,) = value
    if not isinstance(name, str):
        raise ValueError
    return name


def _single(accounting: Accounting, records: Iterator[dict[str, Any]], **more: Any) -> Response:
    meta = {"source": accounting.source, "cluster": accounting.cluster, **more}
    response = Response(orjson.dumps({"data": next(records), "meta": meta}), mimetype=JSON)
    response.headers["Cache-Control"] = "no-cache"
    return with_etag(response)
