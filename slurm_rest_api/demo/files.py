"""Files of the demo's past. They can be deleted at any time, and are then written again."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from slurm_rest_api.demo.scale import Scale

# Increased whenever the simulation changes, so that files of an older simulation are not continued.
_SIMULATION_VERSION: Final = 6
_DESCRIPTION: Final = "demo.json"


@dataclass(frozen=True)
class DemoFolder:
    """The files below `root`."""

    root: Path

    @classmethod
    def of(cls, scale: Scale, host: str, port: int) -> DemoFolder:
        """Returns the folder for a cluster of this size at this address, in the user's cache.

        Each installation (checkout) and address has its own, so that two demos of one user never share files.
        """
        place = f"{Path(__file__).resolve().parent} {host}"
        digest = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        name = f"demo-{scale.nodes}-{scale.jobs}-{scale.seed}-port-{port}-{digest}"
        return cls(platformdirs.user_cache_path("slurm-rest-api") / name)

    @property
    def accounting(self) -> Path:
        """Job records and associations (SQLite)."""
        return self.root / "accounting.sqlite"

    @property
    def archive(self) -> Path:
        """Load samples (SQLite)."""
        return self.root / "archive.sqlite"

    @property
    def config(self) -> Path:
        """Configuration that the option --demo writes."""
        return self.root / "config.yml"

    def prepare(self, scale: Scale) -> None:
        """Creates the folder. Deletes files of another version or size of the simulation.

        Raises:
            OSError: the folder cannot be created or written.
        """
        description = {"edition": _SIMULATION_VERSION, "nodes": scale.nodes, "jobs": scale.jobs, "seed": scale.seed}
        text = json.dumps(description)
        file = self.root / _DESCRIPTION
        if file.exists() and file.read_text() != text:
            shutil.rmtree(self.root)
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(text)
