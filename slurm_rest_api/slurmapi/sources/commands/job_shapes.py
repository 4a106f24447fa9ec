"""Makes records of pending jobs from one another, if their texts differ in a few values only.

Reading a whole text and converting it takes six times as long. Jobs have the same shape if their texts are equal but
for these values, each of which is on one line. So what is read in one way in one of them is read so in all.
"""

from __future__ import annotations

import re
from typing import Final, Generic, TypeVar

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_fields import word_of_user
from slurm_rest_api.slurmapi.sources.commands.job_values import number, word
from slurm_rest_api.slurmapi.sources.formats import TimeTexts

MOST_SHAPES: Final = 2_000
"""Jobs of which the record is kept for similar ones in a load. Each takes some 8 KiB."""

_TEXT: Final = re.compile(
    # Values with a name are the job's own. The other groups are its shape. It is no task and refers to no other job.
    r"(?P<job_id>\d{1,10}) JobName=(?P<name>[^\n]*)(?:(\n   SLUID=)[^\n]*)?"
    r"(\n   UserId=[^\n]*\n   Priority=)(?P<priority>\d{1,10})"
    r"( Nice=[^\n]*\n   JobState=PENDING [^\n]* Dependency=\(null\)(?:\n   (?!SubmitTime=)[^\n]*)*)"
    r"\n   SubmitTime=(?P<submit>\S+) EligibleTime=(?P<eligible>\S+)(?:(\n   AccrueTime=)(?P<accrue>\S+))?"
    r"\n   StartTime=(?P<start>\S+) EndTime=(?P<end>\S+)( Deadline=[^\n]*\n   [^\n]*?(?: |\n   )LastSchedEval=)"
    r"(?P<evaluated>\S+)([^\n]*\n   Partition=\S+) AllocNode:Sid=(?P<session>[^\n]*)"
    r"((?:\n   (?!Command=)[^\n]*)*)\n   Command=(?P<command>[^\n]*)(?:(\n   SubmitLine=)[^\n]*)?"
    r"\n   WorkDir=(?P<folder>[^\n]*)((?:\n   (?!StdErr=)[^\n]*)*)"
    r"\n   StdErr=(?P<error>[^\n]*)\n   StdIn=(?P<input>[^\n]*)\n   StdOut=(?P<output>[^\n]*)((?:\n   [^\n]*)*\n*)",
    re.ASCII,
)
_OWN: Final = frozenset(_TEXT.groupindex.values())
_SHAPE: Final = tuple(group for group in range(1, _TEXT.groups + 1) if group not in _OWN)


Kept = TypeVar("Kept")


class ByShape(Generic[Kept]):
    """Keeps values of the jobs of one load by their shape. The oldest one goes where there are too many."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], Kept] = {}

    def add(self, parts: re.Match[str] | None, value: Kept) -> None:
        """Keeps a value for the shape of a job. A job without a shape is left out."""
        if parts is None:
            return
        if len(self._kept) >= MOST_SHAPES:
            del self._kept[next(iter(self._kept))]
        self._kept[parts.group(*_SHAPE)] = value

    def get(self, parts: re.Match[str] | None) -> Kept | None:
        """Returns the value for the shape of a job, None if none is known."""
        return None if parts is None else self._kept.get(parts.group(*_SHAPE))


def parts_of(text: str) -> re.Match[str] | None:
    """Returns the parts of a job's text without `JobId=` at the start, None for a job without a shape."""
    return _TEXT.fullmatch(text)


def similar_record(like: Record, parts: re.Match[str], times: TimeTexts) -> Record:
    """Returns the record of a job.

    Args:
        like: The record of a job with the same shape. Neither text has an imitated line.
        parts: The parts of the job.
        times: Texts of times.
    """
    host, _, session = parts["session"].rpartition(":")
    output = word_of_user(parts["output"])
    return {
        **like,
        "job_id": int(parts["job_id"]),
        "name": word_of_user(parts["name"]),
        "priority": int(parts["priority"]),
        "submit_time": number(parts["submit"]) or 0,
        "eligible_time": number(parts["eligible"]) or 0,
        "accrue_time": times[number(parts["accrue"])],
        "start_time": number(parts["start"]) or 0,
        "end_time": number(parts["end"]) or 0,
        "last_sched_eval": times[number(parts["evaluated"])],
        "alloc_node": word(host),
        "alloc_sid": number(session) or 0,
        "command": word_of_user(parts["command"]),
        "work_dir": word_of_user(parts["folder"]),
        "std_in": word_of_user(parts["input"]),
        "std_out": output,
        "std_err": word_of_user(parts["error"]) or output,
    }
