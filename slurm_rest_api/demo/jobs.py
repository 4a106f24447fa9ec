"""One simulated job: its times, outcome and share of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from slurm_rest_api.demo.hardware import Node
from slurm_rest_api.demo.workload import User

Phase = Literal["future", "pending", "running", "ended"]

MIN_JOB_AGE_SECONDS = 300
"""Seconds for which an ended job stays in /queue (slurm.conf's MinJobAge)."""


@dataclass(frozen=True, slots=True)
class NodeShare:
    """A fixed share of nodes, on which one job runs at a time: CPUs from `first_cpu` on, MiB and GPUs per node."""

    nodes: tuple[Node, ...]
    first_cpu: int
    cpus: int
    memory: int
    gpus: int


class Array(NamedTuple):
    """The array of a task. `last` is the highest index, `at_once` the most tasks that run at the same time.

    The tasks of an array that `never_starts` are one job.
    """

    id: int
    last: int
    at_once: int
    never_starts: bool = False

    def first_of(self, task: int) -> int:
        """Returns the lowest index among the tasks of the job with the index `task`."""
        return 0 if self.never_starts else task


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a job. Times are epoch seconds. `start` is 0 for a job that is cancelled before it starts."""

    id: int
    submit: int
    eligible: int
    start: int
    end: int
    outcome: str
    exit_code: int
    signal: int
    user: User
    name: str
    partition: str
    qos: str
    share: NodeShare
    limit_minutes: int
    nice: int
    reason: str
    depends_on: int = 0
    array: Array | None = None
    task: int = 0
    het_id: int = 0
    het_offset: int = 0
    attempt: int = 0
    requeued: bool = False
    failed_node: str | None = None

    @property
    def held(self) -> bool:
        """True if the user or an administrator holds the job."""
        return self.reason.startswith("JobHeld")

    def phase(self, now: int) -> Phase:
        """Returns the phase of the job at epoch second `now`."""
        if now < self.submit:
            return "future"
        if now >= self.end:
            return "ended"
        return "running" if self.start and now >= self.start else "pending"


def tres_text(share: NodeShare) -> str:
    """Returns the TRES of a share as Slurm writes them: `cpu=16,mem=60000M,node=1,billing=16`."""
    nodes = len(share.nodes) or 1
    gpus = f",gres/gpu={share.gpus * nodes}" if share.gpus else ""
    return f"cpu={share.cpus * nodes},mem={share.memory * nodes}M,node={nodes},billing={share.cpus * nodes}{gpus}"
