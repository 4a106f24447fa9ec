"""Opens the database of the load archive: an SQLite file, or the database at `archive_url`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from slurm_rest_api.archive.file_kind import require_archive_file
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError

_BUSY_SECONDS: Final = 10
_CONNECT_SECONDS: Final = 5
_STATEMENT_SECONDS: Final = 30


def archive_file(system: SystemSettings, environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the SQLite file. A relative `archive_path` is below $STATE_DIRECTORY (systemd) or the working folder."""
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(state or Path.cwd()) / system.archive_path


def open_engine(system: SystemSettings, *, writable: bool) -> Engine:
    """Creates the engine of the archive. Only a writer creates the file and its folder.

    Raises:
        ArchiveError: `archive_url` is unusable, or its driver is not installed.
    """
    url = system.archive_url.get_secret_value() if system.archive_url is not None else None
    if url is None:
        return _sqlite(archive_file(system), writable=writable)
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(Path(parsed.database or ""), writable=writable)
        return create_engine(
            parsed,
            pool_size=2,
            max_overflow=6,
            pool_pre_ping=True,
            pool_recycle=600,
            hide_parameters=True,
            connect_args=_limits(parsed),
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        # The error of make_url may contain the whole URL with the password.
        no_driver = isinstance(error, NoSuchModuleError | ModuleNotFoundError)
        reason = "its driver is not installed" if no_driver else "it is not the URL of a database"
        raise ArchiveError(
            f"`system.archive_url` cannot be used: {reason}. Use a URL such as"
            " postgresql+psycopg://user@host/database or mysql+pymysql://user@host/database, and install its driver in"
            " the service's environment."
        ) from None


def _limits(url: URL) -> dict[str, Any]:
    """Returns driver-specific timeouts, so that a hanging server cannot block for long. Empty for other drivers."""
    milliseconds = _STATEMENT_SECONDS * 1000
    postgresql = {"options": f"-c statement_timeout={milliseconds}", "tcp_user_timeout": milliseconds}
    own: dict[str, dict[str, Any]] = {
        "pymysql": {"read_timeout": _STATEMENT_SECONDS, "write_timeout": _STATEMENT_SECONDS},
        "psycopg": postgresql,
        "psycopg2": postgresql,
    }
    driver = url.get_driver_name()
    given = {name: value for name, value in own.get(driver, {}).items() if name not in url.query}
    return {"connect_timeout": _CONNECT_SECONDS, **given} if driver in own else {}


def _sqlite(file: Path, *, writable: bool) -> Engine:
    mode = "rwc" if writable else "ro"
    engine = create_engine(
        f"sqlite:///file:{file.absolute()}?mode={mode}&uri=true",
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
    )

    def check_file(_dialect: Any, _record: Any, _args: Any, _parameters: Any) -> None:
        # At every connect, because an administrator may replace the file.
        require_archive_file(file)

    event.listen(engine, "do_connect", check_file)
    if writable:

        def make_folder(_dialect: Any, _record: Any, _args: Any, _parameters: Any) -> None:
            # At every connect, because a disk may be mounted late.
            try:
                file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            except OSError as error:
                raise ArchiveError(
                    f"The folder of the load archive {file} cannot be created: {error.strerror}. Check"
                    " `system.archive_path` and the rights of its folder."
                ) from error

        def prepare(connection: Any, _record: Any) -> None:
            # WAL: readers continue while a sample is written. FULL: committed samples survive a power failure.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

        event.listen(engine, "do_connect", make_folder)
        event.listen(engine, "connect", prepare)
    return engine
