"""The mark of a job: one number for everything that its published record is made of.

Most jobs of a long queue are in one cycle as they were in the one before. Reading their attributes tells that;
building, hiding and rendering the record costs more than the reading and is saved when the mark is known.

All attributes are read for it, the requested TRES too, which take a fifth of the time: where a job asks for GPUs with
`--gpus`, no other attribute tells how many.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.modern_attributes import TRES_ATTRIBUTES, JobAttributes
from slurm_rest_api.slurmapi.sources.modern_tres import tres_text

_WITHOUT_REFERENCES = 2
"""marshal's version: from 3 on the bytes depend on how often an object is referred to."""

_usual_counts = attrgetter("cpu.count", "mem.count", "node.count", "billing.count")
_unusual = attrgetter("energy", "vmem", "pages", "fs", "gres", "license", "interconnect", "other")


def is_cacheable(a: JobAttributes) -> bool:
    """Whether the job's record is a function of what is marked: it waits, and it refers to no other job.

    Running jobs are left out because the clock changes them, and because usage needs what they hold.
    """
    return a.state == "PENDING" and not (a.dependencies or a.array_id or a.heterogeneous_id)


def membership_fingerprint(nodes: Iterable[Record]) -> int:
    """The mark of the nodes and their partitions, on which depends what of a job may be shown."""
    return hash(frozenset((node["name"], tuple(node["partitions"] or ())) for node in nodes))


def job_fingerprint(a: JobAttributes, *others: int | str) -> int | None:
    """The mark of a job; None for one that has a value which cannot be marked.

    Args:
        a: The attributes.
        others: What the record is made of besides them.
    """
    plain, objects = a[:-TRES_ATTRIBUTES], a[-TRES_ATTRIBUTES:]
    try:
        return hash(marshal.dumps((plain, *map(_tres_key, objects), others), _WITHOUT_REFERENCES))
    except ValueError:
        return None


def _tres_key(tres: Any) -> Any:
    """What tells two TRES objects apart: the four usual counts, or the text, which takes longer to make."""
    if tres is None:
        return None
    try:
        return tres_text(tres) if any(_unusual(tres)) else _usual_counts(tres)
    except AttributeError:
        return tres_text(tres)
