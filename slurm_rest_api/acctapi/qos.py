"""QOS of slurmdbd: their names, flags and limits.

Source: `qos_table`, enum slurmdb_qos_flags_t of slurmdb.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

PARTITION_MIN_NODES: Final = 1 << 0
"""Flag PartitionMinNodes: jobs may ask for fewer nodes than the partition's MinNodes."""

PARTITION_MAX_NODES: Final = 1 << 1
"""Flag PartitionMaxNodes: jobs may ask for more nodes than the partition's MaxNodes."""

PARTITION_TIME_LIMIT: Final = 1 << 2
"""Flag PartitionTimeLimit: jobs may exceed the partition's MaxTime."""

OVER_PARTITION_QOS: Final = 1 << 7
"""Flag OverPartQOS: the limits of the job's QOS precede those of the partition's QOS."""

RELATIVE: Final = 1 << 10
"""Flag Relative (23.11 and later): limits of TRES are percentages of the cluster or partition."""


class Qos(NamedTuple):
    """One row. `flags` is 0 and limits are None in `values` if the service may not read these columns."""

    id: int
    name: str
    deleted: bool
    flags: int
    values: Mapping[Any, Any]


def qos_of(row: Mapping[Any, Any]) -> Qos:
    """Converts a row of the table."""
    return Qos(row["id"], row["name"], bool(row.get("deleted")), row.get("flags") or 0, row)
