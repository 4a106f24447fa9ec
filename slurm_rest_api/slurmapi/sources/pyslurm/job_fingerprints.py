"""Fingerprints of jobs: one number for all that a published record is made of.

Most jobs of a long queue do not change from one cycle to the next. Their attributes are read in each cycle. If the
fingerprint is known, the record is not built, filtered and rendered again, which costs more than the reading.
"""

from __future__ import annotations

import marshal

from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes

_WITHOUT_REFERENCES = 2
"""Version of marshal. From 3 on the bytes depend on the number of references to an object."""


def is_cacheable(a: JobAttributes) -> bool:
    """Return True if the fingerprint covers the record: the job is pending and refers to no other job.

    Running jobs are left out: time changes them, and usage needs their allocations.
    """
    return a.state == "PENDING" and not (a.raw_dependency or a.array_id or a.heterogeneous_id)


def job_fingerprint(a: JobAttributes, *others: int | str) -> int | None:
    """Returns the fingerprint of a job, None if it has a value that marshal refuses.

    A collision of the 64 bits would leave an old record published. With 100,000 changed jobs every 10 seconds its
    probability is below 1e-7 a year.

    Args:
        a: The attributes.
        others: Other values that the record is made of.
    """
    try:
        return hash(marshal.dumps((tuple(a), others), _WITHOUT_REFERENCES))
    except ValueError:
        return None
