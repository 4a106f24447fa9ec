"""Explains one job from a snapshot: its reason, rank, dependencies and what is in its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.explainapi import ranks
from slurm_rest_api.explainapi.dependencies import Dependency, parse_dependencies
from slurm_rest_api.explainapi.dependency_states import in_snapshot
from slurm_rest_api.explainapi.limits import job_limits
from slurm_rest_api.explainapi.priorities import fair_share_of, priority_of
from slurm_rest_api.explainapi.reservations import reservations_of
from slurm_rest_api.explainapi.state_texts import state_text
from slurm_rest_api.explainapi.unavailable_nodes import unavailable_nodes
from slurm_rest_api.explainapi.usable_nodes import usable_nodes
from slurm_rest_api.jobsapi.lookup import InQueue
from slurm_rest_api.jobsapi.records import phase_of
from slurm_rest_api.slurm.reason_texts import LIMIT_OF_ZERO, NODES_UNAVAILABLE, Explained, explain_reason
from slurm_rest_api.slurmapi.availability.job_request import request_of_job
from slurm_rest_api.slurmapi.availability.read import availability
from slurm_rest_api.slurmapi.query.row_access import RowFilter
from slurm_rest_api.slurmapi.responses import single_record
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.job_ids import parse_job_id
from slurm_rest_api.web.name_lists import NameFilter


@dataclass(frozen=True)
class Explanation:
    """The explanation of a job as far as the snapshot has it, and the dependencies to be completed from elsewhere.

    `record` has all published fields but `dependencies`. Only a job that is `pending` has limits.
    """

    record: dict[str, Any]
    pending: bool
    dependencies: list[Dependency]
    dependencies_in_queue: InQueue | None


def explain(
    snapshot: Snapshot,
    name: str,
    visible: RowFilter,
    scope: DataScope,
    reference: ReferenceData | None,
    *,
    with_availability: bool = True,
) -> Explanation:
    """Explains the job `name` (`123`, `123_7`, `123+1`) of the records that `visible` shows.

    `reference` has the associations and QOS, None without the accounting database. The availability, which reads many
    nodes, is left out unless `with_availability`.

    Raises:
        BadParameter: `name` is no job id.
        NotFound: there is no such job.
    """
    view = snapshot.view
    job = orjson.loads(single_record.find(view, "queue", name, visible.where))
    pending = phase_of(job["job_state"]) == "pending"
    reason = explain_reason(job, pending=pending)
    record = _of_any_job(job, reason, pending=pending)
    if not pending:
        return Explanation(record, pending, [], None)
    if scope.hides("jobs"):
        record["no_rank"] = ranks.PRIVATE
    else:
        record["rank"] = ranks.ranks(view, job, job["job_id"], parse_job_id(name).task)
        record["no_rank"] = ranks.NOT_CONSIDERED if record["rank"] is None else None
    record["estimated_start"] = estimated_start(job, snapshot.loaded_at)
    record["reservations"] = reservations_of(view, job, reason.name, snapshot.loaded_at, scope)
    record["priority"] = priority_of(view, job)
    record["fairshare"] = fair_share_of(view, job, scope)
    dependencies = parse_dependencies(job.get("dependency"))
    if dependencies:
        record["dependencies_needed"] = "any" if "?" in job["dependency"] else "all"
    record["unavailable_nodes"] = None if scope.hides("nodes") else unavailable_nodes(view, job)
    if record["unavailable_nodes"] and reason.name == "ReqNodeNotAvail":
        # slurmctld names only nodes that are down. Those that are drained count as up.
        record["text"], record["ends_by"] = NODES_UNAVAILABLE.text, list(NODES_UNAVAILABLE.ends_by)
    record["limits"] = job_limits(reference, view, job, scope)
    if any(limit["is_reason"] and limit["limit"] == 0 for limit in record["limits"]):
        record["text"], record["ends_by"] = LIMIT_OF_ZERO.text, list(LIMIT_OF_ZERO.ends_by)
    if with_availability and not scope.hides("nodes", "partitions"):
        record["availability"] = _availability(view, job, int(snapshot.loaded_at), scope)
    return Explanation(record, pending, dependencies, in_snapshot(snapshot, dependencies, visible))


def _of_any_job(job: Mapping[str, Any], reason: Explained, *, pending: bool) -> dict[str, Any]:
    """Returns the record of a job that is not pending, without dependencies."""
    whole_reason = job.get("state_reason")
    return {
        "job_id": job["job_id"],
        "state": job["job_state"],
        "reason": None if reason.name == "None" else reason.name,
        "text": reason.text if pending else _ended_text(job, reason.name, reason.text),
        "ends_by": list(reason.ends_by) if pending else [],
        "details": whole_reason if whole_reason not in (None, reason.name) else None,
        "rank": None,
        "no_rank": None,
        "estimated_start": None,
        "eligible_time": job.get("eligible_time") or None,
        "dependencies_needed": None,
        "reservations": [],
        "unavailable_nodes": [],
        "limits": [],
        "priority": None,
        "fairshare": None,
        "availability": None,
    }


def _availability(view: StoreView, job: Mapping[str, Any], now: int, scope: DataScope) -> list[dict[str, Any]]:
    partitions = tuple(name for name in (job.get("partition") or "").split(",") if name)
    if not partitions:
        return []
    request, nodes = request_of_job(job), usable_nodes(view, job)
    unchecked = (*nodes.unchecked, *request.unchecked)
    request = replace(request, only=nodes.only, never=nodes.never, unchecked=unchecked)
    return availability(view, request, now, scope, NameFilter(partitions, ()))


def estimated_start(job: Mapping[str, Any], loaded_at: float) -> int | None:
    """Returns the start that the backfill scheduler expects, None without an estimate.

    A job without an estimate that may only start later has that time in `start_time` (_pack_job() of
    src/slurmctld/job_mgr.c). That is no estimate.
    """
    start, eligible = job.get("start_time") or 0, job.get("eligible_time") or 0
    if not start or (start == eligible and eligible > loaded_at):
        return None
    return int(start)


def _ended_text(job: Mapping[str, Any], reason: str, text: str) -> str:
    return state_text(job) if reason == "None" else f"{state_text(job)} {text}"
