"""Removes hidden partitions from a list of partitions."""

from __future__ import annotations


def shown_partitions(partition: str | None, hidden: frozenset[str]) -> str:
    """Returns a partition, or a comma list as pending jobs have, without the hidden ones. `""` if none is left."""
    if not partition or not hidden:
        return partition or ""
    if "," not in partition:
        return "" if partition in hidden else partition
    return ",".join(name for name in partition.split(",") if name not in hidden)
