"""Facts about an imported pyslurm: its release, and the version of Slurm's library."""

from __future__ import annotations

from typing import Any


def version_of(pyslurm: Any) -> str:
    """Returns the version of the module."""
    return str(getattr(pyslurm, "__version__", "of unknown version"))


def release_of(version: str) -> str:
    """Returns the release of pyslurm: build.sh changes `25.11.2` to `26.5.0+pyslurm25.11.2` or `25.11.2+adjusted`."""
    return version.rpartition("+pyslurm")[2].removesuffix("+adjusted")


def is_adjusted(version: str) -> bool:
    """Returns True for a version that build.sh changed, see `release_of`."""
    return release_of(version) != version


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
