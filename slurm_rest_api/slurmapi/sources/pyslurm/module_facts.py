"""Facts about an imported pyslurm: its release, the parts that it lacks, and the version of Slurm's library."""

from __future__ import annotations

from typing import Any, Final

from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, NodeAttributes, PartitionAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import RAW_STATISTICS

OBJECT_PARTS: Final = ("Jobs", "Job", "Nodes", "Node", "Partitions", "Partition", "slurmctld.Statistics")
"""The parts of pyslurm's object API that the service needs. Releases for Slurm up to 22.05 have no statistics."""

ADJUSTED_PARTS: Final = (
    *(f"Job.{name}" for name in JobAttributes._fields if name.startswith("raw_")),
    *(f"Node.{name}" for name in NodeAttributes._fields if name.startswith("raw_")),
    *(f"Partition.{name}" for name in PartitionAttributes._fields if name.startswith("raw_")),
    *(f"slurmctld.Statistics.{name}" for name in RAW_STATISTICS),
)
"""What build.sh adds, together with its corrections of pyslurm's faults (`pyslurm_build.adjustments`)."""


def missing_parts(pyslurm: Any) -> list[str]:
    """Returns the needed parts that the module lacks. A pyslurm from elsewhere lacks the adjustments of build.sh."""
    missing = [part for part in OBJECT_PARTS if not _has(pyslurm, part)]
    if not missing and not all(_has(pyslurm, part) for part in ADJUSTED_PARTS):
        return ["the adjustments of build.sh"]
    return missing


def version_of(pyslurm: Any) -> str:
    """Returns the version of the module."""
    return str(getattr(pyslurm, "__version__", "of unknown version"))


def release_of(version: str) -> str:
    """Returns the release of pyslurm: build.sh changes `25.11.2` to `26.5.0+pyslurm25.11.2` or `25.11.2+adjusted`."""
    return version.rpartition("+pyslurm")[2].removesuffix("+adjusted")


def library_version(pyslurm: Any) -> tuple[int, int, int] | None:
    """Returns the version of Slurm's library as (26, 5, 5), from slurm_api_version (slurm.h). None if unknown."""
    try:
        major, minor, micro = pyslurm.slurm_api_version()
    except AttributeError:
        return None
    return int(major), int(minor), int(micro)


def detail_of(pyslurm: Any) -> str:
    """Returns the detail of a source over this module: `pyslurm 25.11.2 for Slurm 26.05.5`."""
    library = library_version(pyslurm)
    slurm = "" if library is None else f" for Slurm {library[0]}.{library[1]:02d}.{library[2]}"
    return f"pyslurm {release_of(version_of(pyslurm))}{slurm}"


def _has(owner: Any, path: str) -> bool:
    for step in path.split("."):
        if not hasattr(owner, step):
            return False
        owner = getattr(owner, step)
    return True
