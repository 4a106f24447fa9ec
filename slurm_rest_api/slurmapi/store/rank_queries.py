"""Counts the pending jobs that the scheduler considers before a job."""

from __future__ import annotations

from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.store.rank_totals import BEFORE_ALL, QUEUES
from slurm_rest_api.slurmapi.store.statements import Statements

# Each job takes as few steps as possible: the columns are those of one index. A total has the sums over the
# jobs up to its place, so that only jobs after the last total are read.
_SUMS: Final = (
    "SELECT sum(tasks), sum(rank_cpus), sum(rank_gpus), sum(rank_at_limit) FROM queue_index WHERE rank_queue = ?"
    " AND (rank_order, submit_time, key) > (?, ?, ?) AND (rank_order, submit_time, key) < (?, ?, ?)"
)
_LAST_TOTAL: Final = (
    "SELECT rank_order, submit_time, key, tasks, cpus, gpus, at_limit FROM rank_totals WHERE rank_queue = ?"
    " AND (rank_order, submit_time, key) < (?, ?, ?) ORDER BY rank_order DESC, submit_time DESC, key DESC LIMIT 1"
)


class RankedJob(NamedTuple):
    """The columns by which a job has its rank. `queue` is None if the scheduler does not consider it.

    `cpus` and `gpus` are those of one task.
    """

    key: int
    queue: str | None
    order: int | None
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
        query = "SELECT key, rank_queue, rank_order, submit_time, num_cpus, gpus FROM queue_index WHERE key = ?"
        return RankedJob(*self._statements.execute(query, (key,)).one())

    def rank_queues(self) -> list[str]:
        """Returns the names of all queues: the partitions of jobs, a newline, and their reservation."""
        return [name for (name,) in self._statements.execute(QUEUES)]

    def jobs_ahead(self, job: RankedJob, queue: str) -> JobsAhead:
        """Sums up the jobs in `queue` that the scheduler considers before `job`.

        Reads at most `JOBS_PER_TOTAL` jobs.
        """
        place = job.order, job.submit_time, job.key
        total = self._statements.execute(_LAST_TOTAL, (queue, *place)).one()
        before, after = (NONE_AHEAD, BEFORE_ALL) if total is None else (JobsAhead(*total[3:]), total[:3])
        sums = self._statements.execute(_SUMS, (queue, *after, *place)).one()
        return before.plus(JobsAhead(*(value or 0 for value in sums)))
