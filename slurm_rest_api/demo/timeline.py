"""The simulated cluster at one moment; pure given the moment, and cheap when moments follow each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from slurm_rest_api.demo.hardware import Block, Hardware, build_hardware
from slurm_rest_api.demo.jobs import MIN_JOB_AGE_SECONDS, Job
from slurm_rest_api.demo.layouts import Outage
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.timetable import Timetable, Window


@dataclass(frozen=True)
class Moment:
    """What slurmctld would know at epoch second `now`: each job once, and the nodes that are out of service.

    Of the tasks of an array that wait, the last stands for all; `next_task` has, by array id, the first of them.
    """

    now: int
    pending: list[Job]
    running: list[Job]
    ended: list[Job]
    next_task: dict[int, int]
    outages: dict[str, Outage]


class Timeline:
    """Computes moments. The windows in use are remembered without the jobs that are over."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.hardware: Hardware = build_hardware(scale)
        self._timetable = Timetable(scale, len(self.hardware.blocks))
        self._windows: dict[tuple[int, int], Window] = {}

    def at(self, now: int) -> Moment:
        """The cluster at an epoch second."""
        moment = Moment(now, [], [], [], {}, {})
        windows: dict[tuple[int, int], Window] = {}
        for block in self.hardware.blocks:
            for number in self._numbers(block, now - MIN_JOB_AGE_SECONDS, now):
                key = (block.number, number)
                window = self._windows.get(key) or self._timetable.window(block, number)
                windows[key] = _without_forgotten(window, now)
                _add(moment, windows[key])
        self._windows = windows
        return moment

    def changed_between(self, since: int, until: int) -> Iterator[Job]:
        """Jobs that were submitted, started or ended after `since` and not after `until`; in no order."""
        for block in self.hardware.blocks:
            for number in self._numbers(block, since, until):
                window = self._windows.get((block.number, number)) if until - since <= MIN_JOB_AGE_SECONDS else None
                for job in (window or self._timetable.window(block, number)).jobs:
                    if since < job.submit <= until or since < job.start <= until or since < job.end <= until:
                        yield job

    def windows(self, block: Block, since: int, until: int) -> Iterator[Window]:
        """The windows of a block that run at any time from `since` to `until`."""
        for number in range(self._timetable.window_at(block, since), self._timetable.window_at(block, until) + 1):
            yield self._timetable.window(block, number)

    def _numbers(self, block: Block, since: int, until: int) -> range:
        """Windows whose jobs can be known from `since` to `until`: jobs are submitted up to half a window early."""
        first = self._timetable.window_at(block, since)
        return range(first, self._timetable.window_at(block, until + block.kind.window // 2) + 1)


def _without_forgotten(window: Window, now: int) -> Window:
    """The window without the jobs that /queue and the accounting have done with."""
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
                first = moment.next_task.get(job.array.id, job.task)
                moment.next_task[job.array.id] = min(first, job.task)
            if job.array is None or job.task == job.array.last:
                moment.pending.append(job)
