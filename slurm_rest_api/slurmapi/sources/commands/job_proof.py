"""Proves that no text of a job contains a newline, by a second form of the same job.

`scontrol -o` prints a space where `scontrol` prints a newline and three spaces. A newline in a text stays a newline in
both forms. So the two forms of a job differ by their separators alone exactly if no text imitates a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Values that time or the scheduler may change between the two programs.
_MOVING: Final = re.compile(
    rb" (?:RunTime|StartTime|EndTime|LastSchedEval|Scheduler|Priority|Reason|SchedNodeList|SuspendTime|SecsPreSuspend"
    rb"|AccrueTime|EligibleTime)=[^ ]*"
)
_BLANKS: Final = re.compile(rb"\n? +Nodes=")
# Without accounting an account may have any letters. The WCKey is the rest of its line.
_OWNER: Final = re.compile(
    rb"\n   Priority=[0-9]+ Nice=-?[0-9]+ Account=[^ \n]* QOS=[^ \n]*(?: WCKey=(?!.* QOS=).*)?\n   JobState="
)
_HEAD: Final = b"JobId="
_TEXTS: Final = b"Features="
"""The first of the texts of a user after the name, except those of `has_rare_texts`. Nothing moves from there on."""


def text_key(job: bytes) -> int:
    """Returns a hash of the parts of a job that contain texts of a user: its name, and all from Features on."""
    return hash((job[: job.find(b"\n")], job[job.find(b"\n   Features=") :]))


def has_clear_owner(job: bytes) -> bool:
    """Return True if the account of a job does not look like other keys of its line."""
    return _OWNER.search(job) is not None


def has_rare_texts(job: bytes) -> bool:
    """Return True if a text of a user is in a part that `text_key` leaves out."""
    return any(
        key in job for key in (b"\n   CronJob=", b"\n   CrontabSpec=", b"\n   BatchFeatures=", b"\n   FedOrigin=")
    )


def one_line_key(job: bytes) -> int:
    """Returns the hash that the job's line of `scontrol -o` has if no text contains a newline.

    Args:
        job: The job in the form of several lines, without `JobId=` at the start.
    """
    start = 0 if has_rare_texts(job) else max(job.find(b"\n   " + _TEXTS), 0)
    return _key(_BLANKS.sub(b" Nodes=", job[start:]).replace(b"\n   ", b" "))


def proven_jobs(expected: dict[int, int], lines: Iterable[bytes]) -> set[int]:
    """Returns the ids of jobs whose line is the expected one. A job with more than one line is not among them.

    Args:
        expected: `one_line_key` by job id.
        lines: Output of `scontrol -d -o show job`.
    """
    found: dict[int, int | None] = {}
    for line in lines:
        digits = line[len(_HEAD) : line.find(b" ")]
        if not line.startswith(_HEAD) or not digits.isdigit():
            continue
        job_id = int(digits)
        if job_id not in expected:
            continue
        if job_id in found:
            found[job_id] = None
            continue
        found[job_id] = _key(line[max(line.find(b" " + _TEXTS), 0) :])
        if found[job_id] != expected[job_id]:
            found[job_id] = _key(_BLANKS.sub(b" Nodes=", line[len(_HEAD) :]))
    return {job_id for job_id, key in found.items() if key is not None and key == expected[job_id]}


def _key(line: bytes) -> int:
    if not line.startswith(b" " + _TEXTS):
        line = _MOVING.sub(b"", line)
    return hash(line.rstrip())
