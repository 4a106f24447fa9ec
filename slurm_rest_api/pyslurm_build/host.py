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

_NUMBER = re.compile(r"^#define\s+SLURM_VERSION_NUMBER\s+0x([0-9a-fA-F]{6})\b", re.MULTILINE)


@dataclass(frozen=True)
class SlurmHost:
    """The Slurm of this host; `number` is SLURM_VERSION_NUMBER of its headers (0x1a0505 for 26.05.5)."""

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
class SearchPlace:
    """Where to look: below `root`, by `which` for programs on the PATH, and in Debian's library folder `triplet`."""

    root: Path = Path("/")
    which: Callable[[str], str | None] = shutil.which
    triplet: str = sysconfig.get_config_var("MULTIARCH") or ""


def find_slurm(environ: Mapping[str, str], place: SearchPlace | None = None) -> SlurmHost:
    """Find headers and library; SLURM_INCLUDE_DIR and SLURM_LIB_DIR in `environ` are obeyed and end the search.

    Raises SourceUnusable that says which part is missing, where it was looked for and which package has it.
    """
    where = place or SearchPlace()
    header = _find_header(environ, where)
    library = _find_library(environ, where)
    if header is None and library is None:
        raise SourceUnusable(
            "No Slurm was found on this host: neither its headers nor its library libslurmfull.so.\n" + _advice()
        )
    if header is None:
        raise SourceUnusable(
            f"Slurm's library is there ({library}), but its headers are not: no {HEADER} in "
            f"{_listed(_include_dirs(environ, where))}.\n{_advice()}"
        )
    if library is None:
        raise SourceUnusable(
            f"Slurm's headers are there ({header}), but its library is not: no {LIBRARY} in "
            f"{_listed(_library_dirs(environ, where))}.\n{_advice()}"
        )
    return SlurmHost(_version_number(header), header.parent.parent, library)


def library_matches(host: SlurmHost) -> bool:
    """Tell whether the library carries the headers' version text, as Slurm's builds do (SLURM_VERSION_STRING)."""
    return host.version.encode() in host.library.read_bytes()


def _version_number(header: Path) -> int:
    match = _NUMBER.search(header.read_text(encoding="latin-1"))
    if match is None:
        raise SourceUnusable(
            f"{header} does not define SLURM_VERSION_NUMBER as 0x and six digits; is it Slurm's own header?"
        )
    return int(match.group(1), 16)


def _find_header(environ: Mapping[str, str], where: SearchPlace) -> Path | None:
    return next((folder / HEADER for folder in _include_dirs(environ, where) if (folder / HEADER).is_file()), None)


def _find_library(environ: Mapping[str, str], where: SearchPlace) -> Path | None:
    return next((folder / LIBRARY for folder in _library_dirs(environ, where) if (folder / LIBRARY).exists()), None)


def _include_dirs(environ: Mapping[str, str], where: SearchPlace) -> list[Path]:
    if named := environ.get("SLURM_INCLUDE_DIR"):
        return [Path(named)]
    return [prefix / "include" for prefix in _prefixes(where)]


def _library_dirs(environ: Mapping[str, str], where: SearchPlace) -> list[Path]:
    # pyslurm's own setup looks into these three for the folder that it is given.
    if named := environ.get("SLURM_LIB_DIR"):
        return [Path(named) / name for name in ("", "slurm", "slurm-wlm")]
    folders = []
    for prefix in _prefixes(where):
        for lib in dict.fromkeys(("lib64", f"lib/{where.triplet}" if where.triplet else "lib", "lib")):
            folders += [prefix / lib / name for name in ("slurm-wlm", "slurm", "")]
    return folders


def _prefixes(where: SearchPlace) -> Iterator[Path]:
    # A Slurm outside the usual places is most often found through its commands: PREFIX/bin/scontrol.
    scontrol = where.which("scontrol")
    found = [Path(scontrol).resolve().parent.parent] if scontrol else []
    yield from dict.fromkeys(found + [where.root / prefix for prefix in PREFIXES])


def _listed(folders: list[Path]) -> str:
    return ", ".join(str(folder) for folder in folders)


def _advice() -> str:
    return (
        "  on Debian/Ubuntu:  apt-get install libslurm-dev slurm-wlm-basic-plugins\n"
        "  on RHEL/Rocky:     dnf install slurm slurm-devel   (from where the site's Slurm comes; EPEL has them too)\n"
        "  elsewhere:         SLURM_INCLUDE_DIR=<folder that holds slurm/slurm.h> "
        "SLURM_LIB_DIR=<folder that holds libslurmfull.so> bash build.sh\n"
        "Without Slurm, only the environment can be made: bash build.sh --no-pyslurm"
    )
