"""Where the demo keeps its past: files that can be deleted at any time, and are then written anew."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from slurm_rest_api.demo.scale import Scale

# Raised whenever the simulation changes, so that an old past does not meet a new present.
_EDITION: Final = 2
_MARK: Final = "demo.json"


@dataclass(frozen=True)
class DemoFolder:
    """The files below `root`."""

    root: Path

    @classmethod
    def of(cls, scale: Scale) -> DemoFolder:
        """The folder of a cluster of this size, in the user's cache."""
        name = f"demo-{scale.nodes}-{scale.jobs}-{scale.seed}"
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
        """The configuration that the flag --demo writes."""
        return self.root / "config.yml"

    def prepare(self, scale: Scale) -> None:
        """Make the folder; what another edition of the simulation, or one of another size, left in it is deleted.

        Raises:
            OSError: it cannot be made or written.
        """
        mark = json.dumps({"edition": _EDITION, "nodes": scale.nodes, "jobs": scale.jobs, "seed": scale.seed})
        file = self.root / _MARK
        if file.exists() and file.read_text() != mark:
            shutil.rmtree(self.root)
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(mark)
