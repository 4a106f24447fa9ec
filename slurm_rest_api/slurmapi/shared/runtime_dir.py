"""Where the two programs meet: the files of the runtime directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.config import Settings


@dataclass(frozen=True)
class RuntimePaths:
    """Files under `system.runtime_dir`. All of them can be deleted at any time: the next cycle writes them anew."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> RuntimePaths:
        """The paths that `settings` name."""
        return cls(settings.system.runtime_path())

    @property
    def store(self) -> Path:
        """The snapshot store (SQLite)."""
        return self.root / "snapshot.sqlite"

    @property
    def lock(self) -> Path:
        """Held by the collector."""
        return self.root / "collector.lock"

    @property
    def prepared(self) -> Path:
        """Rendered answers, plain and compressed."""
        return self.root / "prepared"

    @property
    def door(self) -> Path:
        """The pipe through which web workers ask the collector to load at once."""
        return self.root / "load-now"

    @property
    def archive_status(self) -> Path:
        """What the sampler of the load archive did last (JSON)."""
        return self.root / "archive.json"

    @property
    def counters(self) -> Path:
        """What the web workers count for /metrics."""
        return self.root / "metrics"

    def make(self) -> None:
        """Make the folders, readable by their owner alone."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.prepared.mkdir(mode=0o700, exist_ok=True)
