"""Counts the pending jobs that the scheduler considers before a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.store.statements import Statements

# The names of the queues, each found by one seek in the index. There are few: partitions, and reservations in them.
_QUEUES: Final = """
WITH RECURSIVE queues(found) AS (
    SELECT min(rank_queue) FROM queue_index WHERE rank_queue > ''
    UNION ALL
    SELECT (SELECT min(rank_queue) FROM queue_index WHERE rank_queue > found) FROM queues WHERE found IS NOT NULL
)
SELECT found FROM queues WHERE found IS NOT NULL
"""
# Priority, then time of submission, then job id: sort_job_queue2() of src/slurmctld/job_scheduler.c. Each job takes as
# few steps as possible, because there may be 100,000: the columns are those of one index.
_SUMS: Final = (
    "SELECT sum(tasks), sum(rank_cpus), sum(rank_gpus), sum(rank_at_limit) FROM queue_index WHERE rank_queue = ?"
)
_HIGHER: Final = f"{_SUMS} AND priority > ?"
_EQUAL_AND_OLDER: Final = f"{_SUMS} AND priority = ? AND (submit_time, key) < (?, ?)"


class RankedJob(NamedTuple):
    """The columns by which a job has its rank. `queue` is None if the scheduler does not consider it.

    `cpus` and `gpus` are those of one task.
    """

    key: int
    queue: str | None
    priority: int | None
    submit_time: int | None
    cpus: int | None
    gpus: int | None


class JobsAhead(NamedTuple):
    """Sums over the jobs before a job. A record of pending array tasks counts each of its tasks.

    `at_limit` are those of `jobs` that a limit of an association or a QOS keeps from starting.
    """

    jobs: int
    cpus: int
    gpus: int
    at_limit: int

    def plus(self, other: JobsAhead) -> JobsAhead:
        """Returns the sums of both."""
        return JobsAhead(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NONE_AHEAD: Final = JobsAhead(0, 0, 0, 0)


class RankQueries:
    """Reads ranks of one view of the store."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def ranked_job(self, key: int) -> RankedJob:
        """Reads the columns of the job `key`, which exists."""
        query = "SELECT key, rank_queue, priority, submit_time, num_cpus, gpus FROM queue_index WHERE key = ?"
        return RankedJob(*self._statements.execute(query, (key,)).one())

    def rank_queues(self) -> list[str]:
        """Returns the names of all queues: the partitions of jobs, a newline, and their reservation."""
        return [name for (name,) in self._statements.execute(_QUEUES)]

    def jobs_ahead(self, job: RankedJob, queue: str) -> JobsAhead:
        """Sums up the jobs in `queue` that the scheduler considers before `job`, in the order of the index."""
        higher = self._statements.execute(_HIGHER, (queue, job.priority)).one()
        equal = self._statements.execute(_EQUAL_AND_OLDER, (queue, job.priority, job.submit_time, job.key)).one()
        return _sums(higher).plus(_sums(equal))


def _sums(row: Sequence[int | None]) -> JobsAhead:
    return JobsAhead(*(value or 0 for value in row))
