"""Finds this host's Slurm: its headers, its complete library (libslurmfull) and its version."""

from __future__ import annotations

import re
import shutil
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.versions import Line, number_line, slurm_text

HEADER = "slurm/slurm_version.h"
LIBRARY = "libslurmfull.so"
PREFIXES = ("usr", "usr/local", "opt/slurm", "usr/local/slurm")
PROGRAMS = ("scontrol", "squeue", "sdiag")
"""Slurm's commands that the service needs where there is no pyslurm."""

_NUMBER = re.compile(r"^#define\s+SLURM_VERSION_NUMBER\s+0x([0-9a-fA-F]{6})\b", re.MULTILINE)


@dataclass(frozen=True)
class SlurmHost:
    """The Slurm of this host. `number` is SLURM_VERSION_NUMBER of its headers (0x1a0505 for 26.05.5)."""

    number: int
    include_dir: Path
    library: Path

    @property
    def line(self) -> Line:
        return number_line(self.number)

    @property
    def version(self) -> str:
        return slurm_text(self.number)


@dataclass(frozen=True)
class SearchPaths:
    """Where to search: below `root`, in the folder of `which("scontrol")`, and in Debian's library folder `triplet`."""

    root: Path = Path("/")
    which: Callable[[str], str | None] = shutil.which
    triplet: str = sysconfig.get_config_var("MULTIARCH") or ""


def find_slurm(environ: Mapping[str, str], place: SearchPaths | None = None) -> SlurmHost:
    """Finds headers and library. SLURM_INCLUDE_DIR and SLURM_LIB_DIR in `environ` replace the search.

    Raises:
        SourceUnusable: names the missing part, the searched folders and the packages that have it.
    """
    where = place or SearchPaths()
    header = _find_header(environ, where)
    library = _find_library(environ, where)
    if header is None and library is None:
        raise SourceUnusable(
            "pyslurm cannot be built, because Slurm's headers and its library libslurmfull.so are missing. Install:\n"
            + _advice()
        )
    if header is None:
        raise SourceUnusable(
            f"Slurm's headers are missing, but its library is installed ({library}): no {HEADER} in "
            f"{_listed(_include_dirs(environ, where))}. Install:\n{_advice()}"
        )
    if library is None:
        raise SourceUnusable(
            f"Slurm's library is missing, but its headers are installed ({header}): no {LIBRARY} in "
            f"{_listed(_library_dirs(environ, where))}. Install:\n{_advice()}"
        )
    return SlurmHost(_version_number(header), header.parent.parent, library)


def find_commands(place: SearchPaths | None = None) -> Path | None:
    """Returns the directory of Slurm's commands, from PATH or the usual prefixes. None if they are missing."""
    where = place or SearchPaths()
    scontrol = where.which("scontrol")
    places = [Path(scontrol).parent] if scontrol else []
    places += [where.root / prefix / "bin" for prefix in PREFIXES]
    return next((folder for folder in places if all((folder / name).is_file() for name in PROGRAMS)), None)


def library_matches(host: SlurmHost) -> bool:
    """Returns True if the library holds the version of the headers (SLURM_VERSION_STRING)."""
    return host.version.encode() in host.library.read_bytes()


def _version_number(header: Path) -> int:
    match = _NUMBER.search(header.read_text(encoding="latin-1"))
    if match is None:
        raise SourceUnusable(
            f"{header} does not define SLURM_VERSION_NUMBER as 0x and six digits. "
            "Set SLURM_INCLUDE_DIR to Slurm's headers."
        )
    return int(match.group(1), 16)


def _find_header(environ: Mapping[str, str], where: SearchPaths) -> Path | None:
    return next((folder / HEADER for folder in _include_dirs(environ, where) if (folder / HEADER).is_file()), None)


def _find_library(environ: Mapping[str, str], where: SearchPaths) -> Path | None:
    return next((folder / LIBRARY for folder in _library_dirs(environ, where) if (folder / LIBRARY).exists()), None)


def _include_dirs(environ: Mapping[str, str], where: SearchPaths) -> list[Path]:
    if named := environ.get("SLURM_INCLUDE_DIR"):
        return [Path(named)]
    return [prefix / "include" for prefix in _prefixes(where)]


def _library_dirs(environ: Mapping[str, str], where: SearchPaths) -> list[Path]:
    # pyslurm's setup.py searches the same three folders.
    if named := environ.get("SLURM_LIB_DIR"):
        return [Path(named) / name for name in ("", "slurm", "slurm-wlm")]
    folders = []
    for prefix in _prefixes(where):
        for lib in dict.fromkeys(("lib64", f"lib/{where.triplet}" if where.triplet else "lib", "lib")):
            folders += [prefix / lib / name for name in ("slurm-wlm", "slurm", "")]
    return folders


def _prefixes(where: SearchPaths) -> Iterator[Path]:
    # The commands lead to a Slurm with an unusual prefix: PREFIX/bin/scontrol.
    scontrol = where.which("scontrol")
    found = [Path(scontrol).resolve().parent.parent] if scontrol else []
    yield from dict.fromkeys(found + [where.root / prefix for prefix in PREFIXES])


def _listed(folders: list[Path]) -> str:
    return ", ".join(str(folder) for folder in folders)


def _advice() -> str:
    return (
        "  on Debian/Ubuntu:  apt-get install libslurm-dev slurm-wlm-basic-plugins\n"
        "  on RHEL/Rocky:     dnf install slurm slurm-devel   (from the repository of your Slurm, or EPEL)\n"
        "  in other folders:  SLURM_INCLUDE_DIR=<folder with slurm/slurm.h> "
        "SLURM_LIB_DIR=<folder with libslurmfull.so> bash build.sh\n"
        "To create only the environment, without pyslurm: bash build.sh --no-pyslurm"
    )
