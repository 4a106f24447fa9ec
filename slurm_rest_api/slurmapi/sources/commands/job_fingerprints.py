"""Computes fingerprints of what scontrol and squeue print about a job."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.sources.commands.job_text import JobText
from slurm_rest_api.slurmapi.sources.commands.job_values import seconds
from slurm_rest_api.slurmapi.sources.commands.squeue import JobFacts, state_of

_RUNNING: Final = frozenset((b"RUNNING", b"SUSPENDED"))
_RUN_TIME: Final = re.compile(rb"(?<=\n   RunTime=)(?:[0-9]+-)?[0-9]{2,}:[0-9]{2}:[0-9]{2}(?= TimeLimit=)")


class PrintedFingerprint(NamedTuple):
    """A fingerprint, for a job that runs without its run time.

    Attributes:
        value: The hash.
        run_time: Seconds that the job has run, None if it does not.
    """

    value: int
    run_time: int | None = None


def printed_fingerprint(piece: bytes, line: bytes, membership: int) -> PrintedFingerprint:
    """Returns the fingerprint of one job.

    The run time is the first text of its form. A job name with a newline may have such a text, too. The job is then
    ambiguous and gets no fingerprint.

    Args:
        piece: The text of scontrol.
        line: The facts of squeue.
        membership: Fingerprint of the nodes and their partitions.
    """
    found = _RUN_TIME.search(piece) if state_of(line) in _RUNNING else None
    if found is None:
        return PrintedFingerprint(hash((piece, line, membership)))
    rest = hash((piece[: found.start()], piece[found.end() :], line, membership))
    return PrintedFingerprint(rest, seconds(found[0].decode()))


def is_cacheable(job: JobText, facts: JobFacts, fingerprint: PrintedFingerprint) -> bool:
    """Return True if the fingerprint covers the record: the job is pending or runs, and refers to no other job.

    A job in its first second has no run time yet.
    """
    f = job.fields
    is_alone = "ArrayJobId" not in f and "HetJobId" not in f and f.get("Dependency") == "(null)"
    return is_alone and (facts.state == "PENDING" or bool(fingerprint.run_time))
