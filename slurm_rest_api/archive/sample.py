"""Makes a load sample, in the shape of the 2018 release with more fields, from a usage document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Sample = dict[str, Any]
"""`time` (epoch second of its slot), values of the cluster, and `partitions`: values by partition name."""

_DIGITS: Final = 6
_TOTALS: Final = ("total_load", "total_cpus", "total_mem", "alloc_cpus", "alloc_mem")
JOB_COUNTS: Final = ("jobs_running", "jobs_pending", "tasks_running", "tasks_pending", "jobs_pending_by_reason")
"""Fields that `PrivateData=jobs` hides."""

_COUNTS: Final = ("alloc_gpus", "total_gpus", *JOB_COUNTS, "nodes_by_state")
# Field of the sample → field of a partition in /usage.
_OF_PARTITION: Final = {
    "alloc_cpus": "alloc_cpus",
    "alloc_mem": "alloc_mem",
    "total_cpus": "total_cpus",
    "total_mem": "real_mem",
    "total_nodes": "total_nodes",
    "total_used_cpus_on_active_nodes": "total_used_cpus_on_active_nodes",
    "total_used_mem_on_active_nodes": "total_used_mem_on_active_nodes",
    "partition_load": "partition_load",
    "state": "state",
}

WIDTHS: Final = (600, 3600, 21600, 86400)
"""Seconds that each roll-up level covers. Each width is a multiple of the one before it. Days are UTC days."""

CLUSTER_FIELDS: Final = ("time", *_TOTALS, *_COUNTS, "partitions")
PARTITION_FIELDS: Final = (*_OF_PARTITION, *_COUNTS)


def slot_of(moment: float, width: int) -> int:
    """Returns the start of the slot of an epoch second. Slots are `width` seconds long and start at multiples of it.

    Hosts that share an archive have the same slots in every time zone.
    """
    return int(moment // width) * width


def make_sample(slot: int, usage: Mapping[str, Any]) -> Sample:
    """Returns the sample of `slot` from a usage document with counts, for example `usage_summary` of the store."""
    return {
        "time": slot,
        **{field: _rounded(usage[field]) for field in _TOTALS},
        **{field: usage[field] for field in _COUNTS},
        "partitions": {
            name: {
                **{field: _rounded(partition[source]) for field, source in _OF_PARTITION.items()},
                **{field: partition[field] for field in _COUNTS},
            }
            for name, partition in usage["partitions"].items()
        },
    }


def _rounded(value: Any) -> Any:
    """Rounds loads to 6 digits. More are noise, and noise does not compress."""
    return round(value, _DIGITS) if isinstance(value, float) else value
