"""Remembers which pyslurm was installed in the environment and for what, so that another run has nothing to do."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from slurm_rest_api.pyslurm_build.choice import Request
from slurm_rest_api.pyslurm_build.host import SlurmHost

logger = logging.getLogger(__name__)

FILE_NAME = "slurm-rest-api-pyslurm.json"


@dataclass(frozen=True)
class State:
    """`key` stands for everything that the build depends on; `installed` is the version that pip then listed."""

    key: str
    installed: str
    unproven: list[str]
    by_hand: bool = False


def installed_version() -> str | None:
    """Return the version of pyslurm in this environment, None where there is none."""
    try:
        return importlib.metadata.version("pyslurm")
    except importlib.metadata.PackageNotFoundError:
        return None


def build_key(host: SlurmHost, request: Request, variables: Mapping[str, str], lock: Path) -> str:
    """Digest what a build depends on: the host's Slurm, the request, this package's code, the build's packages."""
    library = host.library.stat()
    facts = [
        sys.version,
        host.number,
        str(host.library),
        library.st_size,
        library.st_mtime_ns,
        asdict(request),
        dict(variables),
    ]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for file in [lock, *sorted(Path(__file__).parent.glob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read_state(folder: Path) -> State | None:
    """Return what was remembered; None where nothing was, or nothing readable."""
    try:
        return State(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        logger.warning("%s is unreadable (%s) and is not used", folder / FILE_NAME, error)
        return None


def write_state(folder: Path, state: State) -> None:
    """Remember; a crash in between leaves the old file."""
    fresh = folder / (FILE_NAME + ".new")
    fresh.write_text(json.dumps(asdict(state), indent=1) + "\n", encoding="utf-8")
    fresh.replace(folder / FILE_NAME)


def forget_state(folder: Path) -> None:
    """Make the next run start from nothing."""
    (folder / FILE_NAME).unlink(missing_ok=True)
