"""Asks an imported pyslurm which parts of the cluster's state it can give rightly.

A part needs its classes, and each of the attributes that its records are made of and that this Slurm has. What build.sh
adds is among them (`pyslurm_build.adjustments`). A fault that cannot be seen in the module is in KNOWN_FAULTS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from slurm_rest_api.pyslurm_build.versions import Line, line_of
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, NodeAttributes, PartitionAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import is_adjusted, library_version, release_of, version_of
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import has_statistics_class

ADJUSTMENTS: Final = "the adjustments of build.sh"

_CLASSES: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "jobs": ("Jobs", "Job", (*JobAttributes._fields, "get_resource_layout_per_node")),
    "nodes": ("Nodes", "Node", NodeAttributes._fields),
    "partitions": ("Partitions", "Partition", PartitionAttributes._fields),
}
"""By part the class that loads it, the class of one object, and the attributes of that."""

SINCE: Final[Mapping[str, Line]] = {
    "Job.container_id": (23, 2),
    "Job.extra": (23, 2),
    "Job.failed_node": (23, 2),
    "Job.preferred_features": (22, 5),
    "Job.gres_tasks_per_sharing": (23, 11),
    "Job.reserved_ports": (24, 5),
    "Job.kill_step_when_oom": (24, 11),
    "Job.raw_licenses_allocated": (25, 5),
    "Job.segment_size": (25, 5),
    "Job.spread_segments": (25, 11),
    "Job.consolidate_segments": (25, 11),
    "Partition.max_cpus_per_socket": (23, 2),
    "Partition.nodesets": (22, 5),
    "Partition.power_down_on_idle": (23, 2),
}
"""The release line from which Slurm has the value of an attribute.

Read from slurm_job_info_t (container_id, extra, failed_node, prefer, bitflags, resv_ports, oom_kill_step,
licenses_allocated, segment_size), node_info_t and partition_info_t of slurm/slurm.h, 21.08 to 26.05.
"""

NO_RESERVED_LICENSES: Final = "lacks the number of reserved licenses"
"""`licenses` of pyslurm/deprecated.pyx has total, in_use, available and remote of slurm_license_info_t alone, in each
release line to 25.11."""

EXIT_STATUS: Final = 137
"""Exit code of a command that was killed, as sh reports it."""


class KnownFault(NamedTuple):
    """A fault of all pyslurms of some release lines that only their source shows, and that build.sh corrects.

    Attributes:
        part: The part that they cannot give.
        lines: Release lines of pyslurm.
        reason: What is wrong, after `pyslurm X.Y.Z`.
        seen_in: Source of the fact.
    """

    part: str
    lines: frozenset[Line]
    reason: str
    seen_in: str


KNOWN_FAULTS: Final = (
    KnownFault(
        part="nodes",
        lines=frozenset({(21, 8), (22, 5)}),
        reason="says ALLOCATED for MIXED",
        seen_in="`Node.state` of pyslurm/core/node.pyx, branches 21.8.x and 22.5.x. From 23.2.x on it compares CPUs.",
    ),
)


def part_faults(pyslurm: Any) -> dict[str, str]:
    """Returns by part why this pyslurm cannot give it. A part that it can give is absent.

    Args:
        pyslurm: The imported module.
    """
    module = f"pyslurm {release_of(version_of(pyslurm))}"
    faults = {part: f"{module} lacks {lack}" for part in _CLASSES if (lack := _lack(pyslurm, part))}
    if not has_statistics_class(pyslurm) and not hasattr(pyslurm, "statistics"):
        faults["statistics"] = f"{module} lacks slurmctld.Statistics"
    for part, reason in _wrong(pyslurm):
        faults.setdefault(part, f"{module} {reason}")
    # Both are for the list alone: no reader of pyslurm exists for them.
    faults["reservations"] = f"{module} {_reservations_fault(pyslurm)}"
    faults["licenses"] = f"{module} {NO_RESERVED_LICENSES}"
    return faults


def _reservations_fault(pyslurm: Any) -> str:
    """Returns why no pyslurm to 25.11 gives reservations as `scontrol show res` prints them."""
    if not hasattr(pyslurm, "Reservations"):
        return "lacks Reservations"
    if not hasattr(getattr(pyslurm, "ReservationFlags", None), "REPLACE"):
        return "has no names for flags of reservations such as REPLACE"
    return "lacks the QOS and partitions of reservations"


def _lack(pyslurm: Any, part: str) -> str | None:
    """Returns what a part lacks: a class, an attribute, or what build.sh adds."""
    collection, kind, names = _CLASSES[part]
    for name in (collection, kind):
        if not hasattr(pyslurm, name):
            return name
    line = _slurm_line(pyslurm)
    missing = [
        name
        for name in names
        if not hasattr(getattr(pyslurm, kind), name) and not (line and line < SINCE.get(f"{kind}.{name}", (0, 0)))
    ]
    if any(name.startswith("raw_") for name in missing):
        return ADJUSTMENTS
    return f"{kind}.{missing[0]}" if missing else None


def _wrong(pyslurm: Any) -> list[tuple[str, str]]:
    """Returns the parts with values that are known to be wrong, and the reasons."""
    found = []
    line = _own_line(pyslurm)
    exit_code = _function(pyslurm, "utils", "helpers", "_get_exit_code")
    if exit_code is not None and exit_code(EXIT_STATUS << 8) != (EXIT_STATUS, 0):
        found.append(("jobs", "subtracts 128 from exit codes"))
    if not is_adjusted(version_of(pyslurm)):
        found.extend((fault.part, fault.reason) for fault in KNOWN_FAULTS if line in fault.lines)
    return found


def _function(owner: Any, *path: str) -> Callable[..., Any] | None:
    for step in path:
        owner = getattr(owner, step, None)
    return owner if callable(owner) else None


def _own_line(pyslurm: Any) -> Line | None:
    try:
        return line_of(release_of(version_of(pyslurm)))
    except ValueError:
        return None


def _slurm_line(pyslurm: Any) -> Line | None:
    """Returns the release line of Slurm's library, else the one that this pyslurm was made for."""
    library = library_version(pyslurm)
    return _own_line(pyslurm) if library is None else library[:2]
