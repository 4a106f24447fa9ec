"""Hidden partitions are removed from the partitions of jobs and associations."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.partitions import shown_partitions


@pytest.mark.parametrize(
    ("partition", "hidden", "shown"),
    [
        ("main", set(), "main"),
        ("main", {"secret"}, "main"),
        ("secret", {"secret"}, ""),
        # Partition of squeue(1): a pending job has all partitions of sbatch --partition.
        ("main,secret,long", {"secret"}, "main,long"),
        ("secret,hidden", {"secret", "hidden"}, ""),
        ("secrets", {"secret"}, "secrets"),
        ("", {"secret"}, ""),
        (None, {"secret"}, ""),
        (None, set(), ""),
    ],
)
def test_hidden_partitions_are_removed(partition: str | None, hidden: set[str], shown: str) -> None:
    assert shown_partitions(partition, frozenset(hidden)) == shown
