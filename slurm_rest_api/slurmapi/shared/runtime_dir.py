"""Names the files of the runtime directory, which the collector and the web workers share, and keeps them private."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slurm_rest_api.config import Settings
from slurm_rest_api.config.in_use import IN_USE_NAME
from slurm_rest_api.errors import ConfigError

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_CHOOSE: Final = "Set it to a folder that the service's user can create or write to."


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

    @property
    def config_in_use(self) -> Path:
        """The configuration of the running service, with its passwords."""
        return self.root / IN_USE_NAME

    def make(self) -> None:
        """Creates the folders, and closes them and their files to other users. The mode of an existing root stays.

        The group of the root may need it for the web server's socket.

        Raises:
            OSError: a folder cannot be created.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.prepared.mkdir(mode=0o700, exist_ok=True)
        for path in self._own():
            _close_to_others(path)

    def _own(self) -> Iterator[Path]:
        """Yields what this service has written, and nothing else that a shared folder may have."""
        yield from self.root.glob(f"{self.store.name}*")
        yield from (self.lock, self.refresh_pipe, self.archive_status, self.config_in_use)
        for folder in (self.prepared, self.counters):
            yield folder
            yield from folder.glob("*")


def require_usable(settings: Settings) -> None:
    """Refuses a runtime directory that cannot be one, or that every user may enter where clients authenticate.

    Raises:
        ConfigError: its path leads through a file or a loop of links, or cannot be read. Or it exists, and is no
            directory, or is open to other users than its owner and its group.
    """
    folder = settings.system.runtime_path()
    try:
        status = folder.stat()
    except FileNotFoundError:
        # It is created with mode 0700.
        return
    except OSError as error:
        raise ConfigError(settings.origin, [f"system.runtime_dir: {folder}: {error.strerror}. {_CHOOSE}"]) from error
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigError(settings.origin, [f"system.runtime_dir: {folder} is not a folder. {_CHOOSE}"])
    mode = stat.S_IMODE(status.st_mode)
    if settings.auth.mode != "none" and mode & stat.S_IRWXO:
        fault = (
            f"system.runtime_dir: {folder} is open to every user of this host (mode {mode:04o}), but `auth.mode` is"
            f" {settings.auth.mode}. Run `chmod o-rwx {folder}`."
        )
        raise ConfigError(settings.origin, [fault])


def _close_to_others(path: Path) -> None:
    try:
        status = path.lstat()
        if status.st_mode & _OTHERS and status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode):
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
    except FileNotFoundError:
        # A worker has replaced it.
        return
