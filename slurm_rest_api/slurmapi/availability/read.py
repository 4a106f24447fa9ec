"""Reads partitions, nodes and reservations of one view of the store, and computes the availability for a job.

`availability` is for the route and for the explanation of a job.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.availability.compute import compute
from slurm_rest_api.slurmapi.availability.model import Request
from slurm_rest_api.slurmapi.availability.nodes import parse_nodes
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.store.conditions import ALWAYS, Condition, all_of, any_of, compares, one_of
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.name_lists import NameFilter


def availability(
    view: StoreView,
    request: Request,
    now: float,
    scope: DataScope,
    partitions: NameFilter | None = None,
) -> list[dict[str, Any]]:
    """Returns for each of `partitions` (None: all) when the job could start there, as `Availability` describes it.

    Every reservation keeps its nodes from the job. A reservation that the user of `scope` may not see does not exist
    for `request.reservation`. `now` is the epoch second of the load. It reads each partition and each reservation
    that is not past once, and the nodes in groups of one kind, which the collector has made.
    """
    records = _bodies(view, Selection("partitions", _chosen(partitions)))
    reservations = None
    if view.collection("reservations") is not None:
        not_past = any_of([compares("end_time", ">", int(now)), Condition("end_time IS NULL")])
        reservations = _bodies(view, Selection("reservations", not_past))
        reservations = _without_hidden_name(view, reservations, request, scope)
    if not records:
        return []
    return compute(request, records, parse_nodes(view.document("node_groups")), reservations, now)


def _bodies(view: StoreView, selection: Selection) -> list[dict[str, Any]]:
    keys = list(view.ordered_keys(selection))
    return [orjson.loads(body) for _, body in view.bodies(selection.kind, keys)]


def _chosen(partitions: NameFilter | None) -> Condition:
    if partitions is None:
        return ALWAYS
    conditions = [one_of("key", partitions.include)] if partitions.include else []
    return all_of([*conditions, *(Condition("key <> ?", (name,)) for name in partitions.exclude)])


def _without_hidden_name(
    view: StoreView, reservations: list[dict[str, Any]], request: Request, scope: DataScope
) -> list[dict[str, Any]]:
    """Returns the reservations, without the requested one if it is private to others. Its nodes stay reserved."""
    if request.reservation is None:
        return reservations
    visible = row_filter_for("reservations", scope).where
    keys: Collection[Any] = [key for (key,) in view.ordered_keys(Selection("reservations", visible))]
    if request.reservation in keys:
        return reservations
    return [{**entry, "name": ""} if entry["name"] == request.reservation else entry for entry in reservations]
