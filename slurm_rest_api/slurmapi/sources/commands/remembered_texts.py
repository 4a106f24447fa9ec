"""Remembers texts of jobs from load to load, and the answers about doubtful ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.sources.commands.job_text import JobText
from slurm_rest_api.slurmapi.sources.commands.squeue_texts import SqueueTexts
from slurm_rest_api.slurmapi.sources.commands.time_marks import TimeMarks

PRINT_ALL_SECONDS: Final = 15.0
"""Seconds between two runs of scontrol that print a second form of all jobs. One costs as much as a load."""


class Answer(NamedTuple):
    """The answer to a question about one job.

    Attributes:
        printed: Hash of what scontrol had printed about the job before.
        texts: Hash of the texts in it.
        job: The job, None if it still could be read in more than one way.
    """

    printed: int
    texts: int
    job: JobText | None


class JobTexts:
    """Remembers texts of jobs from earlier loads.

    Attributes:
        proven: `text_key` by id of jobs whose texts are clear.
        answers: Answers about doubtful jobs by id, the oldest first.
        reported: Jobs that are left out, and are in the log already.
        marks: Marks of whole jobs.
        squeue: Reads texts of jobs one by one.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._printed_all_at: float | None = None
        self.proven: dict[int, int] = {}
        self.answers: dict[int, Answer] = {}
        self.reported: set[int] = set()
        self.marks = TimeMarks()
        self.squeue = SqueueTexts()

    def keep(self, seen: set[int]) -> None:
        """Forgets jobs that are gone."""
        if len(self.proven) > 2 * len(seen) + 1000:
            self.proven = {job_id: key for job_id, key in self.proven.items() if job_id in seen}
        self.answers = {job_id: answer for job_id, answer in self.answers.items() if job_id in seen}
        self.reported &= seen

    def may_print_all_again(self) -> bool:
        """Returns True at most every PRINT_ALL_SECONDS, and counts from now on then."""
        now = self._clock()
        if self._printed_all_at is not None and now - self._printed_all_at < PRINT_ALL_SECONDS:
            return False
        self._printed_all_at = now
        return True
