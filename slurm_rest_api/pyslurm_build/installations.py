"""Finds the Slurms of this host, each below one folder: programs, headers and library.

It searches in PATH, at the configuration (SLURM_CONF and PluginDir), in /opt/slurm with its folders of versions, and in
the usual prefixes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

HEADER: Final = "slurm/slurm_version.h"
LIBRARY: Final = "libslurmfull.so"
PROGRAMS: Final = ("scontrol", "squeue", "sdiag")
"""Slurm's commands that the service needs where there is no pyslurm."""

PREFIXES: Final = ("usr", "usr/local", "opt/slurm", "usr/local/slurm")
_WITH_VERSIONS: Final = ("opt/slurm", "usr/local/slurm", "opt")
"""Folders that may have one folder for each version, such as /opt/slurm/24.11.5 or /opt/slurm-24.11.5."""

_MOST_VERSIONS: Final = 8
_MOST_LINKS: Final = 8
_CONF: Final = "etc/slurm/slurm.conf"
_CONF_BYTES: Final = 2**20
_PLUGIN_DIR: Final = re.compile(r"^\s*PluginDir\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_VERSION_FOLDER: Final = re.compile(r"(?:slurm-?)?(\d+(?:\.\d+)*)")
_ANSWERED: Final = re.compile(r"\bUP\b")
_PING_SECONDS: Final = 15.0
"""Longer than MessageTimeout (10 s)."""


def answers(programs: Path) -> bool:
    """Returns True if `scontrol ping` of a folder finds a slurmctld that is up (scontrol(1))."""
    try:
        done = subprocess.run(
            [programs / "scontrol", "ping"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        # It is no program of this host, or slurmctld is out of reach. Another Slurm may be better.
        return False
    return _ANSWERED.search(done.stdout) is not None


@dataclass(frozen=True)
class SearchPaths:
    """Where to search: below `root`, in the folder of `which("scontrol")`, and in Debian's library folder `triplet`.

    `answers` returns True if slurmctld answers the programs of a folder.
    """

    root: Path = Path("/")
    which: Callable[[str], str | None] = shutil.which
    triplet: str = sysconfig.get_config_var("MULTIARCH") or ""
    answers: Callable[[Path], bool] = answers


@dataclass(frozen=True)
class Installation:
    """A place of one Slurm: the folder `prefix`, which has `bin`, `include` and `lib`.

    `plugin_dirs` are the folders of PluginDir.
    """

    prefix: Path
    triplet: str = ""
    plugin_dirs: tuple[Path, ...] = ()

    @cached_property
    def programs(self) -> Path | None:
        """Returns the folder of Slurm's commands, None if one of them is missing."""
        folder = self.prefix / "bin"
        return folder if all((folder / name).is_file() for name in PROGRAMS) else None

    @cached_property
    def header(self) -> Path | None:
        """Returns the path of slurm_version.h."""
        file = self.prefix / "include" / HEADER
        return file if file.is_file() else None

    @cached_property
    def library(self) -> Path | None:
        """Returns the path of libslurmfull.so, which plugins and programs share."""
        return next((file for folder in self.library_dirs() if (file := folder / LIBRARY).exists()), None)

    @property
    def is_complete(self) -> bool:
        """Returns True if pyslurm can be built for it."""
        return self.header is not None and self.library is not None

    def library_dirs(self) -> list[Path]:
        """Returns the folders that may have the library, those of RPMs, of Debian and of source installations."""
        triplets = [self.triplet] if self.triplet else []
        # A Python that was not made by Debian may not know the name.
        triplets += sorted(folder.name for folder in (self.prefix / "lib").glob("*-linux-gnu*") if folder.is_dir())
        libs = dict.fromkeys(("lib64", *(f"lib/{triplet}" for triplet in triplets), "lib"))
        return [
            *self.plugin_dirs,
            *(self.prefix / lib / name for lib in libs for name in ("slurm-wlm", "slurm", "")),
        ]


def installations(environ: Mapping[str, str], where: SearchPaths) -> list[Installation]:
    """Returns the places of a Slurm on this host, in the order of the search. A place may have nothing.

    `environ` has SLURM_CONF. A folder is there once, also if links lead to it.
    """
    found: dict[Path, Installation] = {}
    for place in _candidates(environ, where):
        first = found.setdefault(place.prefix.resolve(), place)
        if place.plugin_dirs and not first.plugin_dirs:
            found[place.prefix.resolve()] = replace(first, plugin_dirs=place.plugin_dirs)
    return list(found.values())


def _candidates(environ: Mapping[str, str], where: SearchPaths) -> Iterator[Installation]:
    if scontrol := where.which("scontrol"):
        for prefix in _prefixes_of_program(Path(scontrol)):
            yield Installation(prefix, where.triplet)
    named = environ.get("SLURM_CONF")
    conf = Path(named) if named else where.root / _CONF
    for folder in _plugin_dirs(conf):
        yield Installation(_prefix_of_plugins(folder), where.triplet, (folder,))
    if named and (found := _prefix_of_conf(conf)) is not None:
        yield Installation(found, where.triplet)
    for prefix in _usual_prefixes(where.root):
        yield Installation(prefix, where.triplet)


def _prefixes_of_program(program: Path) -> Iterator[Path]:
    """Yields PREFIX of PREFIX/bin/scontrol, and that of each link that leads to it.

    `current` of /opt/slurm/current stays as it is, so that pyslurm notices the next upgrade.
    """
    for _ in range(_MOST_LINKS):
        if program.parent.name == "bin":
            yield program.parent.parent
        if not program.is_symlink():
            break
        program = program.parent / os.readlink(program)
    yield program.resolve().parent.parent


def _plugin_dirs(conf: Path) -> tuple[Path, ...]:
    try:
        with conf.open(encoding="utf-8", errors="replace") as file:
            match = _PLUGIN_DIR.search(file.read(_CONF_BYTES))
    except OSError:
        # Configless, or not readable for this user: the usual folders remain.
        return ()
    return tuple(Path(folder) for folder in match[1].split(":") if folder.startswith("/")) if match else ()


def _prefix_of_plugins(folder: Path) -> Path:
    """PREFIX of PREFIX/lib64/slurm and PREFIX/lib/x86_64-linux-gnu/slurm-wlm."""
    for parent in folder.parents:
        if parent.name in ("lib", "lib64"):
            return parent.parent
    return folder.parent


def _prefix_of_conf(conf: Path) -> Path | None:
    """PREFIX of PREFIX/etc/slurm.conf and PREFIX/etc/slurm/slurm.conf, None for /etc."""
    return next((etc.parent for etc in conf.parents if etc.name == "etc" and etc.parent != etc.parent.parent), None)


def _usual_prefixes(root: Path) -> Iterator[Path]:
    yield from (root / prefix for prefix in PREFIXES)
    for folder in _WITH_VERSIONS:
        yield root / folder / "current"
        yield from _newest_first((root / folder).glob("*"))


def _newest_first(folders: Iterable[Path]) -> list[Path]:
    """Returns the folders with a version as name, such as `24.11.5` or `slurm-24.11.5`, the newest first."""
    versions = [
        (tuple(int(number) for number in match[1].split(".")), folder)
        for folder in folders
        if (match := _VERSION_FOLDER.fullmatch(folder.name)) and folder.is_dir()
    ]
    return [folder for _version, folder in sorted(versions, reverse=True)[:_MOST_VERSIONS]]
