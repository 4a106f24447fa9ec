"""Finds the reservations that a pending job is in, and those that hold nodes it could use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.explainapi.unavailable_nodes import required_nodes
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.store.conditions import Condition, all_of, compares, has_any_word, has_key
from slurm_rest_api.slurmapi.store.queries import Order, Selection
from slurm_rest_api.slurmapi.store.reader import StoreView

MAX_RESERVATIONS: Final = 20
"""Most reservations in one answer that the job is behind."""
# With these reasons slurmctld has found that a reservation, or jobs of one, are in the way of the job.
_BEHIND: Final = frozenset(("Reservation", "ReqNodeNotAvail"))


def reservations_of(
    view: StoreView, job: Mapping[str, Any], reason: str, now: float, scope: DataScope
) -> list[dict[str, Any]] | None:
    """Returns the published reservations of the record `job`, None if they are private or were not read.

    A job is behind a reservation that it does not use if its `reason` is `Reservation` or `ReqNodeNotAvail`, and the
    reservation holds one of its required nodes, or nodes of its partitions, before it would end if it started `now`.
    """
    own = [name for name in (job.get("resv_name") or "").split(",") if name]
    if view.collection("reservations") is None:
        return None
    visible = row_filter_for("reservations", scope)
    if scope.hides("reservations") and visible.is_all:
        return None
    found = {record["name"]: record for record in _read(view, visible.where, has_key(own))} if own else {}
    known = [_published(found.get(name, {"name": name}), "in") for name in own]
    if reason not in _BEHIND or own:
        return known
    records = _read(view, visible.where, *_in_the_way(job, now))
    return known + [_published(record, "behind") for record in records]


def _in_the_way(job: Mapping[str, Any], now: float) -> Sequence[Condition]:
    minutes = job.get("time_limit")
    seconds = minutes * 60 if isinstance(minutes, int) else math.inf
    conditions = [compares("end_time", ">", int(now))]
    if seconds != math.inf:
        conditions.append(compares("start_time", "<", int(now + seconds)))
    if nodes := sorted(required_nodes(job)):
        return [*conditions, has_any_word("reservations", "node_words", nodes)]
    partitions = (job.get("partition") or "").split(",")
    return [*conditions, has_any_word("reservations", "partition_words", partitions)]


def _read(view: StoreView, *conditions: Condition) -> list[dict[str, Any]]:
    selection = Selection("reservations", all_of(conditions), (Order("start_time"),), limit=MAX_RESERVATIONS)
    keys = view.ordered_keys(selection)
    return [orjson.loads(body) for _, body in view.bodies("reservations", keys)]


def _published(record: Mapping[str, Any], relation: str) -> dict[str, Any]:
    get = record.get
    return {
        "name": record["name"],
        "relation": relation,
        "state": get("state"),
        "start_time": get("start_time"),
        "end_time": get("end_time"),
    }
