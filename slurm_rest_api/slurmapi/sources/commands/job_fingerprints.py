"""Computes fingerprints of what scontrol and squeue print about a job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurmapi.sources.base import UnchangedJob, differs_in_priority, with_priority
from slurm_rest_api.slurmapi.sources.commands.job_values import seconds
from slurm_rest_api.slurmapi.sources.commands.squeue import JobFacts, present, state_of

# They begin with a literal text, which takes less time than a look-behind.
_RUN_TIME: Final = re.compile(rb"\n   RunTime=((?:[0-9]+-)?[0-9]{2,}:[0-9]{2}:[0-9]{2}) TimeLimit=")
# Nine digits, so that it has 32 bits. A larger one counts as any other change.
_PRIORITY: Final = re.compile(rb"\n   Priority=([0-9]{1,9}) Nice=")
_STATE: Final = b"\n   JobState="
_PARTITION: Final = b"\n   Partition="
_MOVING: Final[Mapping[bytes, re.Pattern[bytes]]] = {
    b"PENDING": _PRIORITY,
    b"RUNNING": _RUN_TIME,
    b"SUSPENDED": _RUN_TIME,
}
"""By state, the value that often changes alone."""


class PrintedFingerprint(NamedTuple):
    """A fingerprint, for a job that runs without its run time.

    Attributes:
        value: The fingerprint, as `with_priority` makes it.
        run_time: Seconds that the job has run, None if it does not.
        priority: The priority of a pending job, None for other jobs.
    """

    value: int
    run_time: int | None = None
    priority: int | None = None


def state_in(piece: bytes) -> bytes:
    """Returns the state in a job's text, the first one if a text imitates another."""
    start = piece.find(_STATE) + len(_STATE)
    return piece[start : piece.find(b" ", start)]


def printed_fingerprint(piece: bytes, line: bytes, membership: int) -> PrintedFingerprint:
    """Returns the fingerprint of one job.

    Run time and priority are the first text of their form. A job name with a newline may have such a text, too. The job
    is then ambiguous and gets no fingerprint.

    Args:
        piece: The text of scontrol.
        line: The facts of squeue, empty if they are those of the text.
        membership: Fingerprint of the nodes and their partitions.
    """
    moving = _MOVING.get(state_of(line) if line else state_in(piece))
    found = moving.search(piece) if moving is not None else None
    if found is None:
        return PrintedFingerprint(with_priority(hash((piece, line, membership)), 0))
    rest = hash((piece[: found.start(1)], piece[found.end(1) :], line, membership))
    if moving is _RUN_TIME:
        return PrintedFingerprint(with_priority(rest, 0), run_time=seconds(found[1].decode()))
    priority = int(found[1])
    return PrintedFingerprint(with_priority(rest, priority), priority=priority)


def unchanged_job(
    job_id: int, piece: bytes, fingerprint: PrintedFingerprint, before: int | None
) -> UnchangedJob | None:
    """Returns a job of which only its run time has changed, or its priority. None if more has changed.

    Args:
        job_id: The job id.
        piece: The text of scontrol.
        fingerprint: Its fingerprint.
        before: The value of its fingerprint in the last load, None without one.
    """
    has_other_priority = differs_in_priority(before, fingerprint.value)
    if before != fingerprint.value and not has_other_priority:
        return None
    unchanged = UnchangedJob(job_id=job_id, partition=_partition_in(piece))
    if fingerprint.run_time is not None:
        unchanged["run_time"] = fingerprint.run_time
    if has_other_priority:
        unchanged["priority"] = fingerprint.priority
    return unchanged


def _partition_in(piece: bytes) -> str | None:
    """Returns the partition in the text of a job that is not ambiguous."""
    start = piece.find(_PARTITION) + len(_PARTITION)
    return present(piece[start : piece.find(b" AllocNode:Sid=", start)].decode(errors="replace"))


def has_moving_value(job: UnchangedJob) -> bool:
    """Return True if the job has a run time or another priority, which its fingerprint leaves out."""
    return "run_time" in job or "priority" in job


def is_cacheable(facts: JobFacts, fingerprint: PrintedFingerprint) -> bool:
    """Return True if the fingerprint covers the record.

    All values of the record are in the text, those of arrays, heterogeneous jobs and dependencies, too. A job that
    holds nodes has a fingerprint while it has a run time, which it has not in its first second. That of a job that has
    ended covers its run time.
    """
    return not holds_nodes(facts.state) or bool(fingerprint.run_time)
