"""Answers job ids from the jobs of the snapshot store and of the accounting database. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.acctapi.encodings import mask_tasks_among
from slurm_rest_api.jobsapi.records import Entry, tasks_text
from slurm_rest_api.web.job_ids import JobId

_MASK_PREFIX: Final = "0x"


class Jobs:
    """Jobs of one source, found by the ids in `asked`."""

    def __init__(self, entries: Iterable[Entry], asked: Sequence[JobId]) -> None:
        self._by_id: dict[int, Entry] = {}
        self._by_task: dict[tuple[int, int], Entry] = {}
        self._by_component: dict[tuple[int, int], Entry] = {}
        self._parts: defaultdict[int, list[Entry]] = defaultdict(list)
        self._pending: dict[tuple[int, int], Entry] = {}
        tasks = _tasks_by_array(asked)
        for entry in entries:
            self._by_id[entry.job] = entry
            if entry.array is not None:
                self._parts[entry.array].append(entry)
                if entry.task is not None:
                    self._by_task[entry.array, entry.task] = entry
                for task in mask_tasks_among(entry.tasks, tasks.get(entry.array, ())):
                    self._pending[entry.array, task] = entry
            if entry.leader is not None and entry.component is not None:
                self._parts[entry.leader].append(entry)
                self._by_component[entry.leader, entry.component] = entry

    def one(self, asked: JobId) -> Entry | None:
        """Returns the job, task or component `asked`. A task that waits is that of its array's pending tasks."""
        if asked.task is not None:
            key = (asked.job, asked.task)
            return self._by_task.get(key) or self._as_task(self._pending.get(key), asked.task)
        if asked.component is not None:
            return self._by_component.get((asked.job, asked.component))
        return None if self.parts(asked) else self._by_id.get(asked.job)

    def parts(self, asked: JobId) -> list[Entry]:
        """Returns the tasks of the array, or the components of the heterogeneous job, whose id is `asked`.

        Slurm uses ids again once it has used them all. Then the newest job with an id is meant.
        """
        parts = self._parts.get(asked.job, [])
        if asked.task is not None or asked.component is not None or not parts:
            return []
        same = self._by_id.get(asked.job)
        if same is None or asked.job in (same.array, same.leader):
            return parts
        return parts if max(part.submitted for part in parts) > same.submitted else []

    @staticmethod
    def _as_task(entry: Entry | None, task: int) -> Entry | None:
        if entry is None:
            return None
        if "array_task_id" not in entry.record:
            return entry
        return entry._replace(record={**entry.record, "array_task_id": task})


@dataclass(frozen=True)
class Joined:
    """Jobs by the published `id`, and the ids that have no answer.

    `unanswered` are those that only the accounting database can answer, or answer wholly, while it is away.
    """

    jobs: dict[str, Entry]
    unknown: list[str]
    unanswered: list[str]


def incomplete(asked: Sequence[JobId], queue: Jobs) -> list[JobId]:
    """Returns the ids that need the accounting database.

    slurmctld forgets the tasks of an array one by one, so that an array may have more tasks than the snapshot. It
    forgets the components of a heterogeneous job together.
    """
    return [job for job in asked if queue.one(job) is None and not _has_all_components(queue.parts(job))]


def join(asked: Sequence[JobId], queue: Jobs, history: Jobs | None, *, is_away: bool) -> Joined:
    """Answers each id from `queue`, else from `history`, which is None if it was not read.

    `is_away`: it was not read because the accounting database is away.
    """
    joined = Joined({}, [], [])
    for job in asked:
        if (found := queue.one(job)) is not None:
            joined.jobs[job.text] = found
            continue
        parts = queue.parts(job)
        joined.jobs.update((part.text, part) for part in parts)
        if _has_all_components(parts):
            continue
        if history is not None:
            _add_history(joined, job, history, parts)
        elif is_away:
            joined.unanswered.append(job.text)
        elif not parts:
            joined.unknown.append(job.text)
    return joined


def _add_history(joined: Joined, job: JobId, history: Jobs, parts: Sequence[Entry]) -> None:
    """Adds what the accounting database has of `job`, of which slurmctld has `parts`."""
    found = history.one(job)
    if found is not None and not parts:
        joined.jobs[job.text] = found
        return
    more = history.parts(job)
    if not parts and not more:
        joined.unknown.append(job.text)
    known = {(part.task, part.component) for part in parts}
    for part in more:
        if (part.task, part.component) not in known and (shown := _without(part, parts, more)) is not None:
            joined.jobs[shown.text] = shown


def _without(part: Entry, *others: Sequence[Entry]) -> Entry | None:
    """Returns `part` without the pending tasks that are jobs of their own by now, None if no task is left.

    slurmdbd learns of the tasks that have started one by one.
    """
    if part.tasks is None or not part.tasks.startswith(_MASK_PREFIX):
        return part
    started = [entry.task for entries in others for entry in entries if entry.task is not None]
    bits = bytearray(max(started, default=0) // 8 + 1)
    for task in started:
        bits[task // 8] |= 1 << task % 8
    left = int(part.tasks, 16) & ~int.from_bytes(bits, "little")
    if not left:
        return None
    tasks = f"{left:#x}"
    shown = {"array_task_str": tasks_text(tasks)} if "array_task_str" in part.record else {}
    return part._replace(tasks=tasks, record={**part.record, **shown})


def _has_all_components(parts: Sequence[Entry]) -> bool:
    return bool(parts) and parts[0].leader is not None and len(parts) >= parts[0].components


def _tasks_by_array(asked: Sequence[JobId]) -> dict[int, list[int]]:
    tasks: dict[int, list[int]] = {}
    for array, task in sorted((job.job, job.task) for job in asked if job.task is not None):
        tasks.setdefault(array, []).append(task)
    return tasks
