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
from typing import Any

from slurm_rest_api.pyslurm_build.host import SlurmHost

logger = logging.getLogger(__name__)

FILE_NAME = "slurm-rest-api-pyslurm.json"


@dataclass(frozen=True)
class Source:
    """The source of a build.

    `kind` is `pypi`, `revision` (pinned), `tag`, `branch`, `folder`, `archive` or `git`. `name` is its version, commit,
    tag, branch, path or URL. `digest` is that of its files (`unpack.tree_digest`). `line` is its release line: `24.11`.
    """

    kind: str
    name: str
    digest: str
    line: str


@dataclass(frozen=True)
class State:
    """The last build: `key` is a digest of its inputs, `installed` the version that pip listed afterwards.

    `slurm` is the version of the Slurm that it was tested with, such as `26.05.5`. `source` is None in records of
    earlier releases. `proof` is the record of its comparison with Slurm's commands (`slurmapi.sources.proof_record`),
    None if there was no comparison.
    """

    key: str
    installed: str
    untested: list[str]
    slurm: str | None = None
    source: Source | None = None
    proof: Mapping[str, Any] | None = None


def installed_version() -> str | None:
    """Returns the version of pyslurm in this environment, None if there is none."""
    try:
        return importlib.metadata.version("pyslurm")
    except importlib.metadata.PackageNotFoundError:
        return None


def build_key(host: SlurmHost, source: str, variables: Mapping[str, str], locks: Path) -> str:
    """Returns a digest of the inputs of a build: Slurm, source, options, this package's code, the build's packages.

    `source` is the digest of the source's files, `locks` the folder of the lock files.
    """
    library = host.library.stat()
    facts = [
        sys.version,
        host.number,
        str(host.library),
        library.st_size,
        library.st_mtime_ns,
        source,
        dict(variables),
    ]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for file in [*sorted(locks.glob("pyslurm-build*.lock")), *sorted(Path(__file__).parent.glob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read_state(folder: Path) -> State | None:
    """Reads the record of the last build. Returns None if it is missing or invalid."""
    try:
        record = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        # Records of earlier releases have another field, `by_hand`, and no `source`.
        fields = {name: value for name, value in record.items() if name not in ("by_hand", "source")}
        source = Source(**record["source"]) if record.get("source") else None
        return State(**fields, source=source)
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
