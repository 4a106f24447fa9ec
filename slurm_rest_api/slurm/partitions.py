"""Removes hidden partitions from lists of partitions, and finds their names in command lines."""

from __future__ import annotations


def shown_partitions(partition: str | None, hidden: frozenset[str]) -> str:
    """Returns a partition, or a comma list as pending jobs have, without the hidden ones. `""` if none is left."""
    if not partition or not hidden:
        return partition or ""
    if "," not in partition:
        return "" if partition in hidden else partition
    return ",".join(name for name in partition.split(",") if name not in hidden)


def names_partition(line: str, hidden: frozenset[str]) -> bool:
    """Returns True if a command line has a hidden name as a word, in a comma list, or right after `-p`."""
    for name in hidden:
        if name in line:
            break
    else:
        return False
    words = line.translate(str.maketrans(",='\"", "    ")).split()
    return not hidden.isdisjoint(words) or not hidden.isdisjoint(
        word.removeprefix("-p") for word in words if word.startswith("-p")
    )
