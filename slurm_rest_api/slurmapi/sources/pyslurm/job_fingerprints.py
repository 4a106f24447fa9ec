"""Fingerprints of jobs: one number for all that a published record is made of.

Most jobs of a long queue do not change from one cycle to the next. If the fingerprint is known, the record is not
built, filtered and rendered again. A pyslurm that build.sh has built computes the fingerprints from slurmctld's values.
Of another one, all attributes of each job are read, which costs six times as much.
"""

from __future__ import annotations

import marshal
from typing import Any

from slurm_rest_api.slurm.sentinels import INFINITE
from slurm_rest_api.slurm.states import JOBS
from slurm_rest_api.slurmapi.sources.base import with_priority
from slurm_rest_api.slurmapi.sources.formats import number_or_none
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes

_WITHOUT_REFERENCES = 2
"""Version of marshal. From 3 on the bytes depend on the number of references to an object."""

_PRIORITY = JobAttributes._fields.index("priority")


def load_jobs(pyslurm: Any) -> Any:
    """Loads all jobs with one RPC: raw ones if this pyslurm can, else a `pyslurm.Jobs` with an object for each."""
    return pyslurm.Jobs.load_raw() if hasattr(pyslurm.Jobs, "load_raw") else pyslurm.Jobs.load()


def is_raw(jobs: Any) -> bool:
    """Return True if the jobs have fingerprints and no objects yet, see `pyslurm_build/raw_jobs.py`."""
    return hasattr(jobs, "raw_values")


def has_shapes(jobs: Any) -> bool:
    """Return True if the raw jobs have shapes. A pyslurm that an earlier release of build.sh has built lacks them."""
    return hasattr(jobs, "raw_shape")


def is_cacheable(a: JobAttributes, now: float) -> bool:
    """Return True if the fingerprint covers the record: the job waits, or has ended and holds nothing.

    Args:
        a: The attributes.
        now: Epoch second. The end of a job without a time limit is published once it has passed.
    """
    state, end = JOBS.get(a.state), number_or_none(a.end_time) or 0
    if state is None or state.phase == "active":
        return False
    if state.phase == "pending":
        return not a.run_time
    # Without an end, the run time is that until now.
    return bool(end) and (a.raw_time_limit != INFINITE or end <= now)


def only_time_changes(a: JobAttributes) -> bool:
    """Return True if the fingerprint of raw jobs covers all of the record but its clock fields.

    slurmctld gives a job other nodes only with another start, size or state. The fingerprint covers these. A job in its
    first second has no run time yet.
    """
    return a.state in ("RUNNING", "SUSPENDED") and bool(a.run_time)


def job_fingerprint(a: JobAttributes, *others: int | str) -> int | None:
    """Returns the fingerprint of a job, None if it has a value that marshal refuses.

    A collision of the 64 bits would leave an old record published. With 100,000 changed jobs every 10 seconds its
    probability is below 1e-7 a year.

    Args:
        a: The attributes.
        others: Other values that the record is made of.
    """
    priority = a.priority if a.priority.__class__ is int else 0
    word = None if priority else a.priority
    try:
        rest = hash(marshal.dumps((a[:_PRIORITY], a[_PRIORITY + 1 :], word, others), _WITHOUT_REFERENCES))
    except ValueError:
        return None
    return with_priority(rest, priority)
