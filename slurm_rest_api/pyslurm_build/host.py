"""Finds this host's Slurm: its headers, its complete library (libslurmfull) and its version."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.installations import (
    HEADER,
    LIBRARY,
    PROGRAMS,
    Installation,
    SearchPaths,
    installations,
)
from slurm_rest_api.pyslurm_build.versions import Line, number_line, slurm_text

__all__ = ["PROGRAMS", "SearchPaths", "SlurmHost", "find_commands", "find_slurm", "library_matches"]

_NUMBER: Final = re.compile(r"^#define\s+SLURM_VERSION_NUMBER\s+0x([0-9a-fA-F]{6})\b", re.MULTILINE)
LINKS: Final = "/usr/local/lib/slurm-rest-api"
"""The folder that messages and docs/installation.md name for a link to the library."""


@dataclass(frozen=True)
class SlurmHost:
    """The Slurm of this host.

    Attributes:
        number: SLURM_VERSION_NUMBER of its headers (0x1a0505 for 26.05.5).
        include_dir: Folder with slurm/slurm.h.
        library: Path of libslurmfull.so.
        programs: Folder of its commands, None if they are elsewhere or missing.
        note: Why this Slurm was chosen, None if there is no other one.
    """

    number: int
    include_dir: Path
    library: Path
    programs: Path | None = field(default=None, compare=False)
    note: str | None = field(default=None, compare=False)

    @property
    def line(self) -> Line:
        return number_line(self.number)

    @property
    def version(self) -> str:
        return slurm_text(self.number)


def find_slurm(environ: Mapping[str, str], place: SearchPaths | None = None) -> SlurmHost:
    """Finds headers and library. SLURM_INCLUDE_DIR and SLURM_LIB_DIR in `environ` replace the search.

    Headers and library are those of one Slurm. Of several Slurms the one is taken that slurmctld answers.

    Raises:
        SourceUnusable: names the missing part, the searched folders and the packages that have it.
    """
    where = place or SearchPaths()
    found = installations(environ, where)
    include, lib = environ.get("SLURM_INCLUDE_DIR"), environ.get("SLURM_LIB_DIR")
    chosen, note = (None, None) if include or lib else _choose(found, where.answers)
    places = [chosen] if chosen else found
    include_dirs = [Path(include)] if include else [slurm.prefix / "include" for slurm in places]
    library_dirs = _below(Path(lib)) if lib else [folder for slurm in places for folder in slurm.library_dirs()]
    header = next((file for folder in include_dirs if (file := folder / HEADER).is_file()), None)
    library = next((file for folder in library_dirs if (file := folder / LIBRARY).exists()), None)
    if header is None and library is None:
        raise SourceUnusable(
            "pyslurm cannot be built, because Slurm's headers and its library libslurmfull.so are missing. Install:\n"
            + _advice()
        )
    if header is None:
        raise SourceUnusable(
            f"Slurm's headers are missing, but its library is installed ({library}): no {HEADER} in "
            f"{_listed(include_dirs)}. Install:\n{_advice()}"
        )
    if library is None and (other := _versioned_library(library_dirs)) is not None:
        # Fedora and EPEL delete the link that pyslurm is linked with (slurm.spec).
        raise SourceUnusable(
            f"Slurm's library is {other} here, but pyslurm is linked with {LIBRARY}. Make a link in a folder of its "
            "own:\n"
            f"  mkdir -p {LINKS}\n"
            f"  ln -sf {other} {LINKS}/{LIBRARY}\n"
            f'  bash build.sh --pyslurm_arguments="SLURM_LIB_DIR={LINKS}"'
        )
    if library is None:
        raise SourceUnusable(
            f"Slurm's library is missing, but its headers are installed ({header}): no {LIBRARY} in "
            f"{_listed(library_dirs)}. Install:\n{_advice()}"
        )
    programs = chosen.programs if chosen else _programs_near(library, found)
    return SlurmHost(_version_number(header), header.parent.parent, library, programs, note)


def find_commands(place: SearchPaths | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Returns the folder of Slurm's commands: that of PATH, or the one that slurmctld answers, or the first one.

    None if they are missing.
    """
    where = place or SearchPaths()
    if scontrol := where.which("scontrol"):
        folder = Path(scontrol).parent
        if all((folder / name).is_file() for name in PROGRAMS):
            return folder
    folders = [slurm.programs for slurm in installations(environ, where) if slurm.programs]
    if len(folders) > 1:
        return next((folder for folder in folders if where.answers(folder)), folders[0])
    return folders[0] if folders else None


def library_matches(host: SlurmHost) -> bool:
    """Returns True if the library holds the version of the headers (SLURM_VERSION_STRING)."""
    return host.version.encode() in host.library.read_bytes()


def _choose(found: Sequence[Installation], answers: Callable[[Path], bool]) -> tuple[Installation | None, str | None]:
    """Returns a Slurm with headers and library, and why it was chosen. None if there is none, or no choice."""
    complete = [slurm for slurm in found if slurm.is_complete]
    rivals = [slurm for slurm in found if slurm.is_complete or slurm.programs]
    if not complete or len(rivals) == 1:
        return (complete[0] if complete else None), None
    answering = next((slurm for slurm in rivals if slurm.programs and answers(slurm.programs)), None)
    if answering in complete:
        chosen, reason = answering, "slurmctld answers its scontrol"
    else:
        chosen = next((slurm for slurm in complete if slurm.programs), complete[0])
        reason = "it is the first one with headers and library"
        if answering is not None:
            reason += f". slurmctld answers the scontrol in {answering.programs}, which has none of its own"
    assert chosen is not None, "there is a complete one"
    others = ", ".join(_label(slurm) for slurm in rivals if slurm is not chosen)
    return chosen, (
        f"Of several Slurms {_label(chosen)} was chosen, because {reason}. Others: {others}. To choose another one: "
        'bash build.sh --pyslurm_arguments="--slurm=DIR"'
    )


def _label(slurm: Installation) -> str:
    """Returns the folder and the version of a Slurm."""
    try:
        version = slurm_text(_version_number(slurm.header)) if slurm.header else "without headers"
    except SourceUnusable:
        version = "of unknown version"
    return f"{slurm.prefix} ({version})"


def _programs_near(library: Path, found: Sequence[Installation]) -> Path | None:
    """Returns the programs of the Slurm that the library is of."""
    near = (slurm.programs for slurm in found if library.resolve().is_relative_to(slurm.prefix.resolve()))
    return next(filter(None, near), None)


def _versioned_library(folders: Iterable[Path]) -> Path | None:
    """Returns the newest libslurmfull-VERSION.so, None if there is none."""
    return max((file for folder in folders for file in folder.glob("libslurmfull-*.so")), default=None)


def _below(folder: Path) -> list[Path]:
    # pyslurm's setup.py searches the same three folders.
    return [folder / name for name in ("", "slurm", "slurm-wlm")]


def _version_number(header: Path) -> int:
    match = _NUMBER.search(header.read_text(encoding="latin-1"))
    if match is None:
        raise SourceUnusable(
            f"{header} does not define SLURM_VERSION_NUMBER as 0x and six digits. "
            "Set SLURM_INCLUDE_DIR to Slurm's headers."
        )
    return int(match.group(1), 16)


def _listed(folders: list[Path]) -> str:
    return ", ".join(str(folder) for folder in folders)


def _advice() -> str:
    return (
        "  on Debian/Ubuntu:  apt-get install libslurm-dev slurm-wlm-basic-plugins\n"
        "  on RHEL/Rocky:     dnf install slurm slurm-devel   (from where your Slurm is; EPEL: docs/installation.md)\n"
        "  in other folders:  SLURM_INCLUDE_DIR=<folder with slurm/slurm.h> "
        "SLURM_LIB_DIR=<folder with libslurmfull.so> bash build.sh\n"
        "To create only the environment, without pyslurm: bash build.sh --no-pyslurm"
    )
