"""Finds the priority factors of a pending job, and the fair share of its association."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.store.conditions import all_of, has_key
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView


def priority_of(view: StoreView, job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the published factors of the record `job` with their weights, None if they are not read, or of none."""
    reading = view.factors_reading()
    if reading is None:
        return None
    sets = view.priority_factors([job["job_id"]]).get(job["job_id"])
    return None if not sets else {**reading, "partitions": sets}


def fair_share_of(view: StoreView, job: Mapping[str, Any], scope: DataScope) -> dict[str, Any] | None:
    """Returns the published fair share of the association of the record `job`.

    An association with one of the job's partitions comes before that for all. None if the fair share is not read, or
    if the user may not see it.
    """
    account, user = job.get("account"), job.get("user_name")
    if not account or not user or view.collection("fairshare") is None:
        return None
    partitions = (job.get("partition") or "").split(",")
    names = [*(f"{account}/{user}/{partition}" for partition in partitions if partition), f"{account}/{user}"]
    where = all_of([row_filter_for("fairshare", scope).where, has_key(names)])
    keys = view.ordered_keys(Selection("fairshare", where, limit=len(names)))
    found = dict(view.bodies("fairshare", keys))
    body = next((found[name] for name in names if name in found), None)
    share: dict[str, Any] | None = None if body is None else orjson.loads(body)
    return share
