"""Generates all jobs of one window of a block. The same block, window number and seed give the same jobs.

A block's time is divided into windows of equal length. Every job runs within one window, on one share of nodes. So no
node can be over-allocated, and any moment can be computed without earlier ones. Jobs are submitted at most half a
window before their window begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from slurm_rest_api.demo.hardware import Block
from slurm_rest_api.demo.jobs import Array, Job, NodeShare
from slurm_rest_api.demo.layouts import Layout, Outage, lay_out
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.workload import (
    HELD_REASONS,
    INTERACTIVE,
    INTERACTIVE_CPUS,
    LIMITS_MINUTES,
    SHORTEST_SECONDS,
    JobIds,
    JobOutcome,
    User,
    demand_at,
    interactive_user,
    job_outcome,
    pending_seconds,
    random_job_name,
    random_nice,
    random_qos,
    random_user,
    user_of_limit,
)

_IDLE_MEAN_SECONDS: Final = 5400
_REQUEUES: Final = 0.02
_CHAINS: Final = 0.12
_TASKS_THAT_NEVER_START: Final = 2500


@dataclass(frozen=True)
class Window:
    """Jobs of a block from epoch second `start` to `end`, sorted by their ends."""

    start: int
    end: int
    jobs: tuple[Job, ...]
    outage: Outage | None


@dataclass(frozen=True)
class _Span:
    """The time on one share in which a job runs."""

    share: NodeShare
    start: int
    outcome: JobOutcome
    failed_node: str | None = None

    @property
    def end(self) -> int:
        return self.start + self.outcome.seconds


class Timetable:
    """Generates the windows of all blocks of a cluster."""

    def __init__(self, scale: Scale, blocks: int) -> None:
        self._scale = scale
        self._blocks = blocks

    def window(self, block: Block, number: int) -> Window:
        """Returns the window of a block by its number (see `window_at`)."""
        start, ids = self._start(block, number), JobIds(block.number, self._blocks, number)
        if not block.nodes:
            return _waiting_window(self._random(block, number), block, start, ids)
        random, layout = self._layout(block, number)
        writer = _Writer(random, block, start, ids, self._scale.queue_ratio)
        jobs = sorted(writer.jobs(layout), key=lambda job: (job.end, job.id))
        return Window(start, start + block.kind.window, tuple(jobs), layout.outage)

    def outage(self, block: Block, number: int) -> Outage | None:
        """Returns the outage in a window of a block. Generates no jobs, so it is cheap."""
        return self._layout(block, number)[1].outage if block.nodes else None

    def window_at(self, block: Block, moment: int) -> int:
        """Returns the number of the block's window that contains an epoch second."""
        return (moment - self._phase(block)) // block.kind.window

    def _layout(self, block: Block, number: int) -> tuple[Random, Layout]:
        """Returns the layout of a window, and the generator from which its jobs are drawn."""
        random = self._random(block, number)
        return random, lay_out(random, block, self._start(block, number))

    def _random(self, block: Block, number: int) -> Random:
        return Random(f"{self._scale.seed}/{self._scale.nodes}/{block.number}/{number}")  # noqa: S311

    def _start(self, block: Block, number: int) -> int:
        return number * block.kind.window + self._phase(block)

    def _phase(self, block: Block) -> int:
        """Returns the offset of a block's windows in seconds. It differs between blocks."""
        return block.number * 2654435761 % block.kind.window


class _Writer:
    """Fills the shares of one window with jobs."""

    def __init__(self, random: Random, block: Block, start: int, ids: JobIds, queue_ratio: float) -> None:
        self._random = random
        self._kind = block.kind
        self._start = start
        self._end = start + block.kind.window
        self._ids = ids
        self._mean_wait = queue_ratio * block.kind.mean_seconds
        # The user of the first share that is small enough: one job of each user runs at a time in this QOS.
        self._interactive = None if block.kind.gpus else interactive_user(block.number)

    def jobs(self, layout: Layout) -> Iterator[Job]:
        partition = self._random.choice(self._kind.partitions)
        if layout.style == "het":
            yield from self._het(layout, partition)
        elif layout.style == "array":
            yield from self._array(layout, partition)
        else:
            for share in layout.shares:
                user = None
                if len(share.nodes) == 1 and share.cpus <= INTERACTIVE_CPUS:
                    user, self._interactive = self._interactive, None
                yield from self._singles(share, layout.outage, self._random.choice(self._kind.partitions), user)

    def _spans(self, share: NodeShare, outage: Outage | None, partition: str) -> Iterator[_Span]:
        """Yields the times of consecutive jobs, with gaps where the demand is low."""
        random, moment = self._random, self._start + self._random.randrange(600)
        limit = outage.since if outage is not None and outage.node in share.nodes else self._end
        while moment < limit - SHORTEST_SECONDS:
            if random.random() > demand_at(moment):
                moment += 60 + int(random.expovariate(1 / _IDLE_MEAN_SECONDS))
                continue
            most = self._end - moment - 1
            if most < SHORTEST_SECONDS:
                return
            span = _Span(share, moment, job_outcome(random, self._kind.mean_seconds, most, partition))
            yield _cut(span, outage)
            moment = span.end + random.randrange(5, 240)

    def _singles(
        self, share: NodeShare, outage: Outage | None, partition: str, interactive: User | None
    ) -> Iterator[Job]:
        before: Job | None = None
        for span in self._spans(share, outage, partition):
            if interactive is not None:
                job = replace(self._single(span, partition), user=interactive, qos=INTERACTIVE)
            elif before is not None and before.outcome == "COMPLETED" and self._random.random() < _CHAINS:
                job = self._dependent(before, span)
            else:
                job = self._single(span, partition)
            if job.outcome == "COMPLETED" and span.outcome.seconds > 600 and self._random.random() < _REQUEUES:
                yield from self._requeued(job)
            else:
                yield job
            before = job

    def _single(self, span: _Span, partition: str) -> Job:
        random, kind = self._random, self._kind
        user = random_user(random, gpu=bool(kind.gpus))
        submit = span.start - pending_seconds(random, self._mean_wait, kind.window // 2)
        return Job(
            id=self._ids.take(submit),
            submit=submit,
            eligible=submit,
            start=span.start,
            end=span.end,
            outcome=span.outcome.state,
            exit_code=span.outcome.exit_code,
            signal=span.outcome.signal,
            user=user,
            name=random_job_name(random, user),
            partition=partition,
            qos=random_qos(random),
            share=span.share,
            limit_minutes=span.outcome.limit_minutes,
            nice=random_nice(random),
            reason="Priority",
            failed_node=span.failed_node,
        )

    def _dependent(self, before: Job, span: _Span) -> Job:
        """Returns a job of the same user that depends on `before` and was submitted with it."""
        return replace(
            self._single(span, before.partition),
            id=self._ids.take(before.submit),
            user=before.user,
            name=f"{before.name}_post",
            submit=before.submit,
            eligible=before.end,
            reason="Dependency",
            depends_on=before.id,
        )

    def _requeued(self, job: Job) -> Iterator[Job]:
        """Yields two attempts at the job: it is requeued at a third of its time, and starts again two minutes later."""
        requeued = job.start + (job.end - job.start) // 3
        yield replace(job, end=requeued, outcome="REQUEUED", requeued=True)
        again = requeued + 120
        yield replace(job, submit=requeued, eligible=again, start=again, attempt=1, reason="BeginTime", depends_on=0)

    def _array(self, layout: Layout, partition: str) -> Iterator[Job]:
        spans = [span for share in layout.shares for span in self._spans(share, layout.outage, partition)]
        spans.sort(key=lambda span: (span.start, span.share.nodes[0].number, span.share.first_cpu))
        if not spans:
            return
        leader = self._single(spans[0], partition)
        array = Array(leader.id, len(spans) - 1, len(layout.shares))
        limit = max(span.outcome.limit_minutes for span in spans)
        for task, span in enumerate(spans):
            yield replace(
                leader,
                # In Slurm the task that starts last has the id of the array.
                id=leader.id if task == array.last else self._ids.take(span.start),
                start=span.start,
                end=span.end,
                outcome=span.outcome.state,
                exit_code=span.outcome.exit_code,
                signal=span.outcome.signal,
                share=span.share,
                limit_minutes=span.outcome.limit_minutes if span.outcome.state == "TIMEOUT" else limit,
                reason="JobArrayTaskLimit",
                array=array,
                task=task,
                failed_node=span.failed_node,
            )

    def _het(self, layout: Layout, partition: str) -> Iterator[Job]:
        for span in self._spans(layout.shares[0], layout.outage, partition):
            leader = self._single(span, partition)
            for offset, share in enumerate(layout.shares):
                if len(layout.shares) == 1:
                    yield leader
                    return
                yield replace(leader, id=leader.id + offset, share=share, het_id=leader.id, het_offset=offset)


def _cut(span: _Span, outage: Outage | None) -> _Span:
    """Ends the span early if its node goes down. A drained node lets its jobs finish."""
    if outage is None or not outage.down or outage.node not in span.share.nodes or span.end <= outage.since:
        return span
    ran = outage.since - span.start
    return replace(span, outcome=span.outcome._replace(seconds=ran, state="NODE_FAIL", exit_code=0, signal=0),
                   failed_node=outage.node.name)  # fmt: skip


def _waiting_window(random: Random, block: Block, start: int, ids: JobIds) -> Window:
    """Generates one job per lane that stays pending and is cancelled before the window ends. The first is an array."""
    kind, jobs = block.kind, []
    for _ in range(block.lanes):
        reason = random.choice(HELD_REASONS)
        user = user_of_limit(reason) or random_user(random, gpu=False)
        submit = start + random.randrange(kind.window // 40)
        # More than the limits on CPUs allow.
        cpus = 64 if reason.endswith(("CpuLimit", "CpuPerUserLimit")) else random.choice((4, 16, 32, 64))
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
                user=user,
                name=random_job_name(random, user),
                partition=random.choice(kind.partitions),
                qos=INTERACTIVE if reason.startswith("QOS") else random_qos(random),
                share=NodeShare((), 0, cpus, random.choice((8_000, 32_000, 64_000)), 0),
                limit_minutes=random.choice(LIMITS_MINUTES[4:10]),
                nice=0 if reason.startswith("JobHeld") else random_nice(random),
                reason=reason,
                # A job that slurmctld has forgotten.
                depends_on=ids.take(submit) if reason == "DependencyNeverSatisfied" else 0,
            )
        )
    if jobs:
        array = Array(jobs[0].id, _TASKS_THAT_NEVER_START - 1, 20, never_starts=True)
        jobs[0] = replace(jobs[0], array=array, task=array.last)
    jobs.sort(key=lambda job: (job.end, job.id))
    return Window(start, start + kind.window, tuple(jobs), None)
