"""One load sample: the shape of 2018 with more facts, made from documents of the snapshot store. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Sample = dict[str, Any]
"""`time` (epoch second of its slot), figures of the cluster, and `partitions`: figures by partition name."""

_DIGITS: Final = 6
_OF_USAGE: Final = ("total_load", "total_cpus", "total_mem", "alloc_cpus", "alloc_mem")
_OF_TALLY: Final = ("alloc_gpus", "total_gpus", "jobs_running", "jobs_pending", "nodes_by_state")
# Field of the sample: field of a partition in /usage.
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
"""Seconds that the wider samples stand for; each is a multiple of the one before it. Days are those of UTC."""

CLUSTER_FIELDS: Final = ("time", *_OF_USAGE, *_OF_TALLY, "partitions")
PARTITION_FIELDS: Final = (*_OF_PARTITION, *_OF_TALLY)


def slot_of(moment: float, width: int) -> int:
    """The slot that an epoch second lies in: slots are `width` seconds long and begin at multiples of it.

    Hosts that share an archive have the same slots, whatever their time zones.
    """
    return int(moment // width) * width


def make_sample(slot: int, usage: Mapping[str, Any], tally: Mapping[str, Any]) -> Sample:
    """The sample of `slot` from the documents `usage_compact` and `tally` of one snapshot."""
    return {
        "time": slot,
        **{field: _rounded(usage[field]) for field in _OF_USAGE},
        **{field: tally[field] for field in _OF_TALLY},
        "partitions": {
            name: {
                **{field: _rounded(partition[source]) for field, source in _OF_PARTITION.items()},
                **_tallied(tally["partitions"].get(name)),
            }
            for name, partition in usage["partitions"].items()
        },
    }


def _rounded(value: Any) -> Any:
    """Loads have more digits than mean anything, and digits are what does not compress."""
    return round(value, _DIGITS) if isinstance(value, float) else value


def _tallied(figures: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if figures is None else {field: figures[field] for field in _OF_TALLY}
