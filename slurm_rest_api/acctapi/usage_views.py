"""The route /utilization."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.acctapi.encodings import point_in_time
from slurm_rest_api.acctapi.usage_contract import CLUSTER_USAGE_FIELDS, GROUP_USAGE_FIELDS, UtilizationAnswer
from slurm_rest_api.acctapi.usage_parameters import UtilizationParameters
from slurm_rest_api.acctapi.utilization import UsageKey
from slurm_rest_api.acctapi.views import ACCOUNTING_TAG, Accounting, page_meta, turned_on
from slurm_rest_api.errors import NotFound
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import with_etag
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import decode_cursor
from slurm_rest_api.web.record_stream import chosen, listing
from slurm_rest_api.web.routes import add_csv_route, create_blueprint


def utilization_blueprint(accounting: Accounting | None) -> APIBlueprint:
    """Creates the blueprint of the route. Without `accounting` it answers 404 and names `system.use_acct_db`."""
    blueprint = create_blueprint("acctapi_utilization", __name__, ACCOUNTING_TAG, "400", "404", "412", "503", "504")

    @blueprint.get("/utilization", summary="Usage over time", responses={"200": UtilizationAnswer})
    def utilization_route(query: UtilizationParameters) -> Response:
        """Usage over time by hour, day or month: of the cluster, or of accounts, users, QOS, workload keys."""
        return _utilization(turned_on(accounting), query)

    add_csv_route(blueprint, "/utilization", utilization_route)
    return blueprint


def _utilization(accounting: Accounting, query: UtilizationParameters) -> Response:
    if accounting.utilization is None:
        raise NotFound(
            "/utilization is turned off: `database.tables_usage` is not set. An administrator can set it to the name of"
            " the cluster."
        )
    fields = chosen_fields(query.fields, GROUP_USAGE_FIELDS if query.group_by else CLUSTER_USAGE_FIELDS)
    after = None if query.cursor is None else decode_cursor(query.cursor, _usage_key)
    found = accounting.utilization.page(query, after, current_scope())
    page, window = found.page, found.window
    meta = page_meta(accounting, len(page.items), page.next, truncated=page.truncated) | {
        "step": window.step,
        "since": point_in_time(window.since, query.times),
        "until": point_in_time(window.until, query.times),
        "rolled_up_until": point_in_time(found.rolled_up_until, query.times),
    }
    return with_etag(listing(chosen(page.items, fields), fields, query.format, meta))


def _usage_key(value: Any) -> UsageKey:
    start, account, user, qos, wckey, tres = value
    names = (account, user, qos, wckey)
    if not (isinstance(start, int) and 0 <= start < 2**63 and isinstance(tres, int) and -1 <= tres < 2**63):
        raise ValueError
    if not all(isinstance(name, str) for name in names):
        raise ValueError
    return (start, account, user, qos, wckey, tres)
