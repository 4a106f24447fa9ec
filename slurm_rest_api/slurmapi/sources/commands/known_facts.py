"""Remembers the facts of squeue from load to load, and compares them with what scontrol prints.

Each command asks slurmctld for all jobs. A load needs no squeue if scontrol prints no job with new texts: owner,
partition, account and QOS of the others are those that squeue printed before, and scontrol has their state and nodes.
A text with a newline that imitates the lines of these makes the job ambiguous, because the lines of the job follow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from typing import Final

from slurm_rest_api.slurmapi.sources.commands.job_text import JobText
from slurm_rest_api.slurmapi.sources.commands.job_values import account_name, word
from slurm_rest_api.slurmapi.sources.commands.squeue import JobFacts, parse_facts, with_state_and_nodes

LONGEST_SECONDS: Final = 60.0
"""Seconds from one complete output of squeue to the next. It bounds how long a job that is gone can be imitated."""


class KnownFacts:
    """The facts of the jobs of the last load.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: dict[int, bytes] = {}
        self._read_at: float | None = None
        self._are_enough = False

    def lines(self) -> dict[int, bytes] | None:
        """Returns the facts by job id, None if squeue has to run: scontrol is likely to print new texts again."""
        is_old = self._read_at is None or self._clock() - self._read_at >= LONGEST_SECONDS
        return dict(self._lines) if self._are_enough and not is_old else None

    def read(self) -> None:
        """Notes that squeue prints all jobs now."""
        self._read_at = self._clock()

    def keep(self, lines: dict[int, bytes], seen: Container[int], *, were_enough: bool) -> None:
        """Keeps the facts of the jobs `seen`. `were_enough` is False if scontrol has printed a job with new texts."""
        self._lines = {job_id: line for job_id, line in lines.items() if job_id in seen}
        self._are_enough = were_enough


def agrees(job: JobText, facts: JobFacts) -> bool:
    """Return True if scontrol and squeue have the same owner, partition, account and QOS."""
    f = job.fields
    owner = account_name(f.get("UserId"))[1], account_name(f.get("GroupId"))[1]
    return (*owner, word(f.get("Partition")), word(f.get("Account")), word(f.get("QOS"))) == facts.owner


def has_moved(job: JobText, facts: JobFacts) -> bool:
    """Return True if scontrol and squeue have seen the job in another state."""
    return job.fields.get("JobState") != facts.state


def line_of(job: JobText, line: bytes) -> bytes:
    """Returns the facts of squeue, with the state and the nodes of scontrol if these are others."""
    facts, nodes = parse_facts(line), word(job.fields.get("NodeList"))
    if nodes == facts.nodes and not has_moved(job, facts):
        return line
    return with_state_and_nodes(line, job.fields["JobState"], nodes or "")
