"""Names the files of the runtime directory, which the collector and the web workers share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.config import Settings


@dataclass(frozen=True)
class RuntimePaths:
    """Files in `system.runtime_dir`. They may be deleted at any time: the next cycle recreates them."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> RuntimePaths:
        """Returns the paths for `settings`."""
        return cls(settings.system.runtime_path())

    @property
    def store(self) -> Path:
        """The snapshot store (SQLite)."""
        return self.root / "snapshot.sqlite"

    @property
    def lock(self) -> Path:
        """The lock file of the collector."""
        return self.root / "collector.lock"

    @property
    def prepared(self) -> Path:
        """The folder of rendered responses, plain and compressed."""
        return self.root / "prepared"

    @property
    def refresh_pipe(self) -> Path:
        """The named pipe through which web workers request a refresh."""
        return self.root / "refresh.pipe"

    @property
    def archive_status(self) -> Path:
        """The state of the load archive's sampler (JSON)."""
        return self.root / "archive.json"

    @property
    def counters(self) -> Path:
        """The folder of the web workers' counters for /metrics."""
        return self.root / "metrics"

    def make(self) -> None:
        """Creates the folders, which only their owner can read."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.prepared.mkdir(mode=0o700, exist_ok=True)
