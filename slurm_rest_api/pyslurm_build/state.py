"""Records the pyslurm that build.sh installed, so that the next run can skip the build."""

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
    """The last build: `key` is a digest of its inputs, `installed` the version that pip listed afterwards.

    `slurm` is the version of the Slurm that it was tested with, such as `26.05.5`.
    """

    key: str
    installed: str
    untested: list[str]
    slurm: str | None = None


def installed_version() -> str | None:
    """Returns the version of pyslurm in this environment, None if there is none."""
    try:
        return importlib.metadata.version("pyslurm")
    except importlib.metadata.PackageNotFoundError:
        return None


def build_key(host: SlurmHost, request: Request, variables: Mapping[str, str], lock: Path) -> str:
    """Returns a digest of the inputs of a build: Slurm, options, the code of this package, the build's packages."""
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
    """Reads the record of the last build. Returns None if it is missing or invalid."""
    try:
        record = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        # Records of earlier releases have another field, `by_hand`.
        return State(**{name: value for name, value in record.items() if name != "by_hand"})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        logger.warning("Ignoring %s, which is invalid: %s.", folder / FILE_NAME, error)
        return None


def write_state(folder: Path, state: State) -> None:
    """Writes the record. A crash meanwhile leaves the old one."""
    new = folder / (FILE_NAME + ".new")
    new.write_text(json.dumps(asdict(state), indent=1) + "\n", encoding="utf-8")
    new.replace(folder / FILE_NAME)


def delete_state(folder: Path) -> None:
    """Deletes the record, so that the next run builds again."""
    (folder / FILE_NAME).unlink(missing_ok=True)
