"""Records what the comparison of pyslurm with Slurm's commands showed, and which pyslurm and Slurm it was.

build.sh keeps the record in its State, the collector in its runtime directory.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slurm_rest_api.slurmapi.sources.comparison import Result, from_json, to_json
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import library_version, version_of

logger = logging.getLogger(__name__)

FILE_NAME: Final = "pyslurm-proof.json"
REPEAT_SECONDS: Final = 86_400.0
"""After this time what could not be compared is tried again."""

_LARGEST: Final = 100_000
"""Bytes of a record that are read."""

_MAPS: Final = Path("/proc/self/maps")
_LIBRARIES: Final = ("libslurmfull", "libslurm.", "libslurm-")

Identity = Mapping[str, Any]
"""Version and file of pyslurm, version and files of Slurm's library. It changes with an upgrade of either."""


@dataclass(frozen=True)
class ProofRecord:
    """The result of one comparison.

    Attributes:
        identity: The pyslurm and the Slurm.
        compared_at: Epoch seconds.
        result: The result by part. A part without a result was not compared.
        uncompared: Why nothing could be compared, None if something was.
    """

    identity: Identity
    compared_at: float
    result: Result = field(default_factory=dict)
    uncompared: str | None = None

    @property
    def faults(self) -> dict[str, str]:
        """Returns by part why it cannot be taken from pyslurm. The reasons name no node or job."""
        return {part: reason for part, found in self.result.items() if (reason := found.reason(part)) is not None}

    @property
    def gaps(self) -> list[str]:
        """Returns what could not be compared."""
        if self.uncompared is not None:
            return [self.uncompared]
        return [gap for found in self.result.values() for gap in found.gaps]

    def holds(self, identity: Identity, now: float) -> bool:
        """Returns True if no other comparison is due: nothing was upgraded, and nothing was missed a day ago."""
        if dict(self.identity) != dict(identity):
            return False
        return not self.gaps or now - self.compared_at < REPEAT_SECONDS

    def as_json(self) -> dict[str, Any]:
        """Returns the record as JSON values."""
        return {
            "identity": dict(self.identity),
            "compared_at": self.compared_at,
            "result": to_json(self.result),
            "uncompared": self.uncompared,
        }


def record_from_json(values: Mapping[str, Any]) -> ProofRecord:
    """Returns the record that `as_json` wrote.

    Raises:
        ValueError: The values have another form.
    """
    try:
        uncompared = values["uncompared"]
        return ProofRecord(
            identity=dict(values["identity"]),
            compared_at=float(values["compared_at"]),
            result=from_json(values["result"]),
            uncompared=None if uncompared is None else str(uncompared),
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"The record of a comparison has another form: {error!r}. It is made again.") from error


def read_record(folder: Path) -> ProofRecord | None:
    """Reads the record in a folder. Returns None if it is missing or invalid."""
    file = folder / FILE_NAME
    try:
        with file.open("rb") as opened:
            return record_from_json(json.loads(opened.read(_LARGEST)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.warning("Ignoring %s, which cannot be used: %s", file, error)
        return None


def write_record(folder: Path, record: ProofRecord) -> None:
    """Writes the record into a folder. A failure is logged: the comparison is then repeated at the next start."""
    new = folder / (FILE_NAME + ".new")
    try:
        new.write_text(json.dumps(record.as_json()) + "\n", encoding="utf-8")
        new.replace(folder / FILE_NAME)
    except OSError as error:
        logger.warning("Could not write %s: %s. The comparison is repeated at the next start.", new, error.strerror)


def identity_of(pyslurm: Any, maps: Path = _MAPS) -> Identity:
    """Returns the identity of an imported pyslurm and of the libraries of Slurm that this process has loaded.

    Sizes are bytes, times nanoseconds since the epoch. proc_pid_maps(5) has the libraries.
    """
    library = library_version(pyslurm)
    return {
        "pyslurm": version_of(pyslurm),
        "slurm": None if library is None else ".".join(map(str, library)),
        "module": _size_and_time(getattr(pyslurm, "__file__", None)),
        "libraries": [[path, *(_size_and_time(path) or ())] for path in _loaded_libraries(maps)],
    }


def _loaded_libraries(maps: Path) -> list[str]:
    found = set()
    with maps.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            path = line.rstrip("\n").partition("/")[2]
            if path and path.rpartition("/")[2].startswith(_LIBRARIES):
                found.add(f"/{path}")
    return sorted(found)


def _size_and_time(path: str | None) -> list[int] | None:
    try:
        status = Path(path or "").stat()
    except OSError:
        # A library that an upgrade has just deleted: the next identity differs.
        return None
    return [status.st_size, status.st_mtime_ns]
