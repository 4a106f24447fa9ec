"""Computes the state of the simulated cluster at any time. Consecutive times are cheap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from slurm_rest_api.demo.hardware import Block, Hardware, build_hardware
from slurm_rest_api.demo.jobs import MIN_JOB_AGE_SECONDS, Job
from slurm_rest_api.demo.layouts import Outage
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.timetable import Timetable, Window
from slurm_rest_api.slurmapi.sources.base import Progress, no_progress


@dataclass(frozen=True)
class Moment:
    """State that slurmctld would have at epoch second `now`: each job once, and the nodes that are out of service.

    The last pending task of an array represents all of them. `next_task` maps an array id to the first of them.
    """

    now: int
    pending: list[Job]
    running: list[Job]
    ended: list[Job]
    next_task: dict[int, int]
    outages: dict[str, Outage]


class Timeline:
    """Computes moments. Caches the windows in use, without jobs that ended long ago."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.hardware: Hardware = build_hardware(scale)
        self._timetable = Timetable(scale, len(self.hardware.blocks))
        self._windows: dict[tuple[int, int], Window] = {}

    def at(self, now: int, progress: Progress = no_progress) -> Moment:
        """Returns the cluster at epoch second `now`. Reports `progress` for each block of nodes."""
        moment = Moment(now, [], [], [], {}, {})
        windows: dict[tuple[int, int], Window] = {}
        for block in self.hardware.blocks:
            progress()
            for number in self._numbers(block, now - MIN_JOB_AGE_SECONDS, now):
                key = (block.number, number)
                window = self._windows.get(key) or self._timetable.window(block, number)
                windows[key] = _without_forgotten(window, now)
                _add(moment, windows[key])
        self._windows = windows
        return moment

    def changed_between(self, since: int, until: int, progress: Progress = no_progress) -> Iterator[Job]:
        """Yields jobs that were submitted, started or ended after `since`, up to `until`, unsorted."""
        for block in self.hardware.blocks:
            progress()
            for number in self._numbers(block, since, until):
                window = self._windows.get((block.number, number)) if until - since <= MIN_JOB_AGE_SECONDS else None
                for job in (window or self._timetable.window(block, number)).jobs:
                    if since < job.submit <= until or since < job.start <= until or since < job.end <= until:
                        yield job

    def outages(self, since: int, until: int, progress: Progress = no_progress) -> Iterator[Outage]:
        """Yields the outages that began up to `until` and ended after `since`, unsorted."""
        for block in self.hardware.blocks:
            progress()
            # An outage lasts until the end of its window.
            for number in range(self._timetable.window_at(block, since), self._timetable.window_at(block, until) + 1):
                outage = self._timetable.outage(block, number)
                if outage is not None and outage.since <= until:
                    yield outage

    def windows(self, block: Block, since: int, until: int) -> Iterator[Window]:
        """Yields the windows of a block that run at any time from `since` to `until`."""
        for number in range(self._timetable.window_at(block, since), self._timetable.window_at(block, until) + 1):
            yield self._timetable.window(block, number)

    def _numbers(self, block: Block, since: int, until: int) -> range:
        """Returns the windows with jobs from `since` to `until`. Jobs are submitted up to half a window early."""
        first = self._timetable.window_at(block, since)
        return range(first, self._timetable.window_at(block, until + block.kind.window // 2) + 1)


def _without_forgotten(window: Window, now: int) -> Window:
    """Returns the window without jobs that ended more than twice MinJobAge ago."""
    over = bisect_right(window.jobs, now - 2 * MIN_JOB_AGE_SECONDS, key=lambda job: job.end)
    return replace(window, jobs=window.jobs[over:]) if over else window


def _add(moment: Moment, window: Window) -> None:
    now = moment.now
    outage = window.outage
    if outage is not None and outage.since <= now < outage.until:
        moment.outages[outage.node.name] = outage
    for job in window.jobs:
        phase = job.phase(now)
        if phase == "running":
            moment.running.append(job)
        elif phase == "ended":
            if now < job.end + MIN_JOB_AGE_SECONDS and not job.requeued:
                moment.ended.append(job)
        elif phase == "pending":
            if job.array is not None:
                first = job.array.first_of(job.task)
                moment.next_task[job.array.id] = min(moment.next_task.get(job.array.id, first), first)
            if job.array is None or job.task == job.array.last:
                moment.pending.append(job)
