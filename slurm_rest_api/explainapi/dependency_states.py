"""Looks up the jobs that a job depends on: in the snapshot store, then in the accounting database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from slurm_rest_api.acctapi.views import Accounting
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.errors import BadParameter
from slurm_rest_api.explainapi.dependencies import MAX_DEPENDENCIES, Dependency, looked_up
from slurm_rest_api.jobsapi.lookup import InQueue, answer, in_queue
from slurm_rest_api.jobsapi.records import Entry
from slurm_rest_api.slurm.array_tasks import count_tasks
from slurm_rest_api.slurmapi.query.row_access import RowFilter
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.web.job_ids import JobId

_FIELDS: Final = ("state", "array_task_str", "source")


def in_snapshot(snapshot: Snapshot, dependencies: Sequence[Dependency], visible: RowFilter) -> InQueue | None:
    """Reads the jobs of `dependencies` that slurmctld has, None if there are none, or too many tasks of arrays."""
    asked = looked_up(dependencies)
    if not asked:
        return None
    try:
        return in_queue(snapshot, asked, _FIELDS, visible)
    except BadParameter:
        return None


def described(
    dependencies: Sequence[Dependency], found: InQueue | None, accounting: Accounting | None, scope: DataScope
) -> tuple[list[dict[str, Any]], str | None]:
    """Returns the published dependencies, and the error of the accounting database if it was needed and is away.

    Jobs that the user may not see are unknown.
    """
    jobs: dict[str, Entry] = {}
    failure = None
    if found is not None:
        try:
            answered = answer(found, accounting, scope)
        except BadParameter:
            # An array with more tasks than one answer may have: its states stay unknown.
            answered = None
        if answered is not None:
            jobs = answered.joined.jobs
            failure = None if answered.failure is None else answered.failure.detail
    parts: defaultdict[int, list[Entry]] = defaultdict(list)
    # A record of pending tasks is found by its array and by each of these tasks.
    for entry in {entry.job: entry for entry in jobs.values()}.values():
        for whole in {entry.array, entry.leader} - {None}:
            parts[whole or 0].append(entry)
    return [_described(dependency, jobs, parts) for dependency in dependencies[:MAX_DEPENDENCIES]], failure


def _described(
    dependency: Dependency, jobs: Mapping[str, Entry], parts: Mapping[int, Sequence[Entry]]
) -> dict[str, Any]:
    entries = _entries(dependency.job, jobs, parts)
    states: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        # A job that is asked for by its task is one task of the record that it shares.
        is_task = dependency.job is not None and dependency.job.task is not None
        states[entry.record["state"]] += 1 if is_task else max(count_tasks(entry.record.get("array_task_str")), 1)
    sources = {entry.record["source"] for entry in entries}
    return {
        "type": dependency.type,
        "job_id": dependency.text,
        "minutes": dependency.minutes,
        "condition": dependency.condition,
        "state": next(iter(states)) if len(states) == 1 else None,
        "states": dict(states),
        "source": next((source for source in ("queue", "history") if source in sources), None),
        "href": None if dependency.text is None else f"/jobs?id={dependency.text.removesuffix('_*')}",
    }


def _entries(job: JobId | None, jobs: Mapping[str, Entry], parts: Mapping[int, Sequence[Entry]]) -> Sequence[Entry]:
    """Returns the job that a dependency names, or all tasks of the array that it names."""
    if job is None:
        return ()
    one = jobs.get(job.text)
    if one is not None:
        return (one,)
    return parts.get(job.job, ()) if job.task is None else ()
