"""Which metrics of the cluster are shown where something is private, in the words of Slurm's PrivateData. Pure.

A metric counts everybody's jobs or resources, so there is no part of it that is a user's own: it is shown or it is not.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

# By the begin of the name, the longest that fits first: the words that take such metrics away.
_TAKEN_BY: Final = (
    ("slurm_account_jobs", frozenset(("jobs", "usage", "users", "accounts"))),
    ("slurm_partition_jobs", frozenset(("jobs", "partitions"))),
    ("slurm_partition_", frozenset(("partitions", "nodes", "usage"))),
    ("slurm_scheduler_", frozenset[str]()),
    ("slurm_jobs", frozenset(("jobs",))),
    ("slurm_nodes", frozenset(("nodes",))),
    ("slurm_", frozenset(("nodes", "usage"))),
)


def is_shown(metric: str, private: Collection[str]) -> bool:
    """Whether the metric called `metric` is shown where `private` is private."""
    taken_by = next(words for begin, words in _TAKEN_BY if metric.startswith(begin))
    return taken_by.isdisjoint(private)
