"""All jobs of one window of one block; pure: the same block, number of the window and seed give the same jobs.

A block's time is cut into windows of equal length; every job of a window runs inside it, on a slot of its own, so no
node can be over-allocated and any moment can be computed without the ones before it. Jobs are submitted at most half
a window before it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from slurm_rest_api.demo import job_outcomes
from slurm_rest_api.demo.daily_demand import busy
from slurm_rest_api.demo.hardware import Block
from slurm_rest_api.demo.job_ids import JobIds
from slurm_rest_api.demo.jobs import Array, Job, Slot
from slurm_rest_api.demo.layouts import Layout, Outage, lay_out
from slurm_rest_api.demo.people import QOS, program, somebody
from slurm_rest_api.demo.scale import Scale

_IDLE_MEAN_SECONDS: Final = 5400
_REQUEUES: Final = 0.02
_CHAINS: Final = 0.12


@dataclass(frozen=True)
class Window:
    """The jobs of a block from epoch second `start` to `end`, in the order of their ends."""

    start: int
    end: int
    jobs: tuple[Job, ...]
    outage: Outage | None


@dataclass(frozen=True)
class _Span:
    """A stretch of time on one slot in which a job runs."""

    slot: Slot
    start: int
    ending: job_outcomes.Ending
    failed_node: str | None = None

    @property
    def end(self) -> int:
        return self.start + self.ending.seconds


class Timetable:
    """Makes the windows of all blocks of a cluster."""

    def __init__(self, scale: Scale, blocks: int) -> None:
        self._scale = scale
        self._blocks = blocks

    def window(self, block: Block, number: int) -> Window:
        """The window of a block that `window_at` numbers."""
        random = Random(f"{self._scale.seed}/{self._scale.nodes}/{block.number}/{number}")  # noqa: S311
        start = number * block.kind.window + self._phase(block)
        ids = JobIds(block.number, self._blocks, number)
        if not block.nodes:
            return _waiting_window(random, block, start, ids)
        layout = lay_out(random, block, start)
        writer = _Writer(random, block, start, ids, self._scale.queue_ratio)
        jobs = sorted(writer.jobs(layout), key=lambda job: (job.end, job.id))
        return Window(start, start + block.kind.window, tuple(jobs), layout.outage)

    def window_at(self, block: Block, moment: int) -> int:
        """The number of the block's window in which an epoch second lies."""
        return (moment - self._phase(block)) // block.kind.window

    def _phase(self, block: Block) -> int:
        """Windows of different blocks begin at different times, spread evenly."""
        return block.number * 2654435761 % block.kind.window


class _Writer:
    """Fills the slots of one window with jobs."""

    def __init__(self, random: Random, block: Block, start: int, ids: JobIds, queue_ratio: float) -> None:
        self._random = random
        self._kind = block.kind
        self._start = start
        self._end = start + block.kind.window
        self._ids = ids
        self._mean_wait = queue_ratio * block.kind.mean_seconds

    def jobs(self, layout: Layout) -> Iterator[Job]:
        partition = self._random.choice(self._kind.partitions)
        if layout.style == "het":
            yield from self._het(layout, partition)
        elif layout.style == "array":
            yield from self._array(layout, partition)
        else:
            for slot in layout.slots:
                yield from self._singles(slot, layout.outage, self._random.choice(self._kind.partitions))

    def _spans(self, slot: Slot, outage: Outage | None, partition: str) -> Iterator[_Span]:
        """One job after the other; with gaps, more of them at night."""
        random, moment = self._random, self._start + self._random.randrange(600)
        limit = outage.since if outage is not None and outage.node in slot.nodes else self._end
        while moment < limit - job_outcomes.SHORTEST_SECONDS:
            if random.random() > busy(moment):
                moment += 60 + int(random.expovariate(1 / _IDLE_MEAN_SECONDS))
                continue
            most = self._end - moment - 1
            if most < job_outcomes.SHORTEST_SECONDS:
                return
            span = _Span(slot, moment, job_outcomes.ending(random, self._kind.mean_seconds, most, partition))
            yield _cut(span, outage)
            moment = span.end + random.randrange(5, 240)

    def _singles(self, slot: Slot, outage: Outage | None, partition: str) -> Iterator[Job]:
        before: Job | None = None
        for span in self._spans(slot, outage, partition):
            if before is not None and before.outcome == "COMPLETED" and self._random.random() < _CHAINS:
                job = self._dependent(before, span)
            else:
                job = self._single(span, partition)
            if job.outcome == "COMPLETED" and span.ending.seconds > 600 and self._random.random() < _REQUEUES:
                yield from self._requeued(job)
            else:
                yield job
            before = job

    def _single(self, span: _Span, partition: str) -> Job:
        random, kind = self._random, self._kind
        person = somebody(random, gpu=bool(kind.gpus))
        submit = span.start - job_outcomes.wait(random, self._mean_wait, kind.window // 2)
        return Job(
            id=self._ids.take(submit),
            submit=submit,
            eligible=submit,
            start=span.start,
            end=span.end,
            outcome=span.ending.outcome,
            exit_code=span.ending.exit_code,
            signal=span.ending.signal,
            person=person,
            name=program(random, person),
            partition=partition,
            qos=random.choices(QOS, (80, 12, 8))[0],
            slot=span.slot,
            limit_minutes=span.ending.limit_minutes,
            priority=random.randrange(1000, 90_000),
            reason=job_outcomes.wait_reason(random),
            failed_node=span.failed_node,
        )

    def _dependent(self, before: Job, span: _Span) -> Job:
        """A job of the same person that was submitted with `before` and may start when that has completed."""
        return replace(
            self._single(span, before.partition),
            id=self._ids.take(before.submit),
            person=before.person,
            name=f"{before.name}_post",
            submit=before.submit,
            eligible=before.end,
            reason="Dependency",
            depends_on=before.id,
        )

    def _requeued(self, job: Job) -> Iterator[Job]:
        """The job in two attempts: it is requeued at a third of its time, and starts again two minutes later."""
        requeued = job.start + (job.end - job.start) // 3
        yield replace(job, end=requeued, outcome="REQUEUED", requeued=True)
        yield replace(job, submit=requeued, eligible=requeued, start=requeued + 120, attempt=1, reason="BeginTime")

    def _array(self, layout: Layout, partition: str) -> Iterator[Job]:
        spans = [span for slot in layout.slots for span in self._spans(slot, layout.outage, partition)]
        spans.sort(key=lambda span: (span.start, span.slot.nodes[0].number, span.slot.first_cpu))
        if not spans:
            return
        leader = self._single(spans[0], partition)
        array = Array(leader.id, len(spans) - 1, len(layout.slots))
        limit = max(span.ending.limit_minutes for span in spans)
        for task, span in enumerate(spans):
            yield replace(
                leader,
                # Slurm gives the array's own id to the task that starts last.
                id=leader.id if task == array.last else self._ids.take(span.start),
                start=span.start,
                end=span.end,
                outcome=span.ending.outcome,
                exit_code=span.ending.exit_code,
                signal=span.ending.signal,
                slot=span.slot,
                limit_minutes=span.ending.limit_minutes if span.ending.outcome == "TIMEOUT" else limit,
                reason="JobArrayTaskLimit",
                array=array,
                task=task,
                failed_node=span.failed_node,
            )

    def _het(self, layout: Layout, partition: str) -> Iterator[Job]:
        for span in self._spans(layout.slots[0], layout.outage, partition):
            leader = self._single(span, partition)
            for offset, slot in enumerate(layout.slots):
                if len(layout.slots) == 1:
                    yield leader
                    return
                yield replace(leader, id=leader.id + offset, slot=slot, het_id=leader.id, het_offset=offset)


def _cut(span: _Span, outage: Outage | None) -> _Span:
    """The span, ended early when its node goes down; a drained node lets its jobs finish."""
    if outage is None or not outage.down or outage.node not in span.slot.nodes or span.end <= outage.since:
        return span
    ran = outage.since - span.start
    return replace(span, ending=span.ending._replace(seconds=ran, outcome="NODE_FAIL", exit_code=0, signal=0),
                   failed_node=outage.node.name)  # fmt: skip


def _waiting_window(random: Random, block: Block, start: int, ids: JobIds) -> Window:
    """Jobs that wait for what does not come, one a lane, and are cancelled before the window ends."""
    kind, jobs = block.kind, []
    for _ in range(block.lanes):
        person = somebody(random, gpu=False)
        submit = start + random.randrange(kind.window // 40)
        reason = random.choice(job_outcomes.HELD_REASONS)
        jobs.append(
            Job(
                id=ids.take(submit),
                submit=submit,
                eligible=submit,
                start=0,
                end=start + kind.window - 1 - random.randrange(kind.window // 40),
                outcome="CANCELLED",
                exit_code=0,
                signal=0,
                person=person,
                name=program(random, person),
                partition=random.choice(kind.partitions),
                qos=random.choices(QOS, (80, 12, 8))[0],
                slot=Slot((), 0, random.choice((4, 16, 32, 64)), random.choice((8_000, 32_000, 64_000)), 0),
                limit_minutes=random.choice(job_outcomes.LIMITS_MINUTES[4:10]),
                priority=0 if reason.startswith("JobHeld") else random.randrange(1000, 90_000),
                reason=reason,
            )
        )
    jobs.sort(key=lambda job: (job.end, job.id))
    return Window(start, start + kind.window, tuple(jobs), None)
