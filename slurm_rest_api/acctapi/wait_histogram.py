"""Counts wait times in logarithmic buckets in SQL, and reads percentiles from the counts.

A statement then returns a few numbers for each group, however many jobs the group has. There are 16 buckets for each
doubling of the wait, so a percentile is within 5 % of the exact one. Waits below 20 seconds have a bucket each.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Table, and_, case, func

from slurm_rest_api.acctapi import states
from slurm_rest_api.slurm.sentinels import NO_VAL

NOT_WAITED: Final = -1
"""The bucket of jobs that have no wait."""

_PER_DOUBLING: Final = 16
# The logarithm of a power of two may be a little less than the whole number that it is.
_ROUNDING: Final = 1e-9


def has_waited(job: Table) -> ColumnElement[bool]:
    """Returns the condition for jobs with a wait: those that started, and whose time of eligibility is known.

    A pending job may have the scheduler's estimate of its start.
    """
    start, eligible = job.c.time_start, job.c.time_eligible
    known = (start > 0, start < NO_VAL, eligible > 0, eligible < NO_VAL)
    return and_(job.c.state != states.PENDING, *known)


def wait_seconds(job: Table) -> ColumnElement[int]:
    """Returns the SQL for the seconds from eligibility to start: `Planned` of sacct(1). 0 without a wait."""
    start, eligible = job.c.time_start, job.c.time_eligible
    return case((and_(has_waited(job), start > eligible), start - eligible), else_=0)


def wait_bucket(job: Table) -> ColumnElement[int]:
    """Returns the SQL for the bucket of a job's wait, `NOT_WAITED` without one."""
    bucket = func.floor(func.ln(wait_seconds(job) + 1) * (_PER_DOUBLING / math.log(2)) + _ROUNDING)
    return case((has_waited(job), bucket), else_=NOT_WAITED)


def percentiles(counts: Mapping[int, int], shares: Sequence[float]) -> list[int | None]:
    """Returns for each share the wait in seconds that this share of the jobs did not exceed. None without jobs.

    `counts` has the number of jobs by bucket. It is the nearest rank: the smallest wait with at least that many jobs.
    """
    buckets = sorted(counts)
    ranks = list(itertools.accumulate(map(counts.__getitem__, buckets)))
    if not ranks or not ranks[-1]:
        return [None] * len(shares)
    wanted = (max(1, math.ceil(share * ranks[-1])) for share in shares)
    return [_middle(buckets[bisect.bisect_left(ranks, rank)]) for rank in wanted]


def _middle(bucket: int) -> int:
    """Returns the geometric middle of the waits in a bucket."""
    first, last = _first(bucket), _first(bucket + 1) - 1
    return round(math.sqrt(first * last)) - 1


def _first(bucket: int) -> int:
    """Returns the least whole number in a bucket, which is a wait plus one second."""
    return math.ceil(2 ** (bucket / _PER_DOUBLING) - _ROUNDING)
