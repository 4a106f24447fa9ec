"""A job that runs has the same fingerprint as long as only its run time changes."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.commands.job_fingerprints import printed_fingerprint

PENDING = b"2001\x1f2001\x1fPENDING\x1fmain\x1fphysics\x1fnormal\x1f"
RUNNING = PENDING.replace(b"PENDING", b"RUNNING") + b"rack001"
MEMBERSHIP = 3


def text(run_time: str, name: str = "wrap", limit: str = "01:00:00") -> bytes:
    return f"7 JobName={name}\n   JobState=RUNNING\n   RunTime={run_time} TimeLimit={limit} TimeMin=N/A\n".encode()


def test_the_run_time_of_a_running_job_is_left_out() -> None:
    first = printed_fingerprint(text("00:00:59"), RUNNING, MEMBERSHIP)
    later = printed_fingerprint(text("1-02:03:04"), RUNNING, MEMBERSHIP)
    assert (first.run_time, later.run_time) == (59, 93_784)
    assert first.value == later.value


@pytest.mark.parametrize(
    ("piece", "line", "membership"),
    [
        (text("00:00:59", limit="02:00:00"), RUNNING, MEMBERSHIP),
        (text("00:00:59", name="other"), RUNNING, MEMBERSHIP),
        (text("00:00:59"), RUNNING.replace(b"RUNNING", b"SUSPENDED"), MEMBERSHIP),
        (text("00:00:59"), RUNNING + b",rack002", MEMBERSHIP),
        (text("00:00:59"), RUNNING, MEMBERSHIP + 1),
        (text("INVALID"), RUNNING, MEMBERSHIP),
    ],
)
def test_every_other_change_changes_the_fingerprint(piece: bytes, line: bytes, membership: int) -> None:
    known = printed_fingerprint(text("00:00:59"), RUNNING, MEMBERSHIP)
    assert printed_fingerprint(piece, line, membership).value != known.value


def test_the_text_of_other_jobs_counts_as_it_is() -> None:
    first = printed_fingerprint(text("00:00:59"), PENDING, MEMBERSHIP)
    assert first.run_time is None
    assert printed_fingerprint(text("00:00:58"), PENDING, MEMBERSHIP).value != first.value


def test_a_name_that_looks_like_a_run_time_is_part_of_the_fingerprint() -> None:
    """The job is ambiguous, and gets no fingerprint. The real run time then counts, too."""
    name = "a\n   RunTime=00:00:01 TimeLimit=1"
    first = printed_fingerprint(text("00:00:59", name), RUNNING, MEMBERSHIP)
    assert printed_fingerprint(text("00:01:00", name), RUNNING, MEMBERSHIP).value != first.value
