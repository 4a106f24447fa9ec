"""The life of one simulated job: when it is submitted, becomes eligible, starts and ends, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from slurm_rest_api.demo.hardware import Node
from slurm_rest_api.demo.people import Person

Phase = Literal["future", "pending", "running", "ended"]

MIN_JOB_AGE_SECONDS = 300
"""How long a job that has ended stays in /queue (slurm.conf's MinJobAge)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A fixed share of some nodes, on which one job runs at a time: CPUs from `first_cpu` on, MiB and GPUs a node."""

    nodes: tuple[Node, ...]
    first_cpu: int
    cpus: int
    memory: int
    gpus: int


class Array(NamedTuple):
    """The array that a job is a task of: `last` is the highest index, `at_once` the most tasks that run together."""

    id: int
    last: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a job. Times are epoch seconds; `start` is 0 for a job that is cancelled before it starts."""

    id: int
    submit: int
    eligible: int
    start: int
    end: int
    outcome: str
    exit_code: int
    signal: int
    person: Person
    name: str
    partition: str
    qos: str
    slot: Slot
    limit_minutes: int
    priority: int
    reason: str
    depends_on: int = 0
    array: Array | None = None
    task: int = 0
    het_id: int = 0
    het_offset: int = 0
    attempt: int = 0
    requeued: bool = False
    failed_node: str | None = None

    def phase(self, now: int) -> Phase:
        """Where in its life the job is."""
        if now < self.submit:
            return "future"
        if now >= self.end:
            return "ended"
        return "running" if self.start and now >= self.start else "pending"
