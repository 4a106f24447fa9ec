"""What hidden partitions leave of a job's or an association's partition. Pure."""

from __future__ import annotations


def shown_partitions(partition: str | None, hidden: frozenset[str]) -> str:
    """A partition, or a comma list of those that a pending job may run in, without the hidden ones."""
    if not partition or not hidden:
        return partition or ""
    if "," not in partition:
        return "" if partition in hidden else partition
    return ",".join(name for name in partition.split(",") if name not in hidden)
