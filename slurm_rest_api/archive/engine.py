"""Opens the database of the load archive: an SQLite file, or the database at `archive_url`."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from slurm_rest_api.archive.file_kind import require_archive_file
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError

logger = logging.getLogger(__name__)

_CONNECT: Final[Mapping[str, str]] = {
    "pymysql": "slurm_rest_api.databases.mysql",
    "psycopg": "slurm_rest_api.databases.postgresql",
}
"""Modules by driver that connect with time limits. Only that of the configured driver is imported."""

_BUSY_SECONDS: Final = 10
_CONNECT_SECONDS: Final = 5
_WRITE_SECONDS: Final = 30
"""Longest wait of the collector for a statement."""

_READ_SECONDS: Final = 10
"""Longest wait of a web worker for a statement."""

_SERVER_SECONDS: Final = 5
"""The server ends a statement so much earlier than the driver gives up."""


def archive_file(system: SystemSettings, environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the SQLite file. A relative `archive_path` is below $STATE_DIRECTORY (systemd) or the working folder."""
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(state or Path.cwd()) / system.archive_path


def spool_folder(system: SystemSettings, environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the folder of samples that wait to be stored, next to where the SQLite file is or would be."""
    file = archive_file(system, environ)
    return file.with_name(f"{file.name}.waiting")


def open_engine(system: SystemSettings, *, writable: bool, connections: int = 2) -> Engine:
    """Creates the engine of the archive. Only a writer creates the file and its folder.

    It opens at most `connections` to a server. 0 opens one for each use. A file is opened for each use.

    Raises:
        ArchiveError: `archive_url` is unusable, or its driver is not installed.
    """
    url = system.archive_url.get_secret_value() if system.archive_url is not None else None
    if url is None:
        return _sqlite(archive_file(system), writable=writable)
    pool: dict[str, Any] = {"poolclass": NullPool}
    if connections:
        pool = {"pool_size": connections, "max_overflow": 0}
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(Path(parsed.database or ""), writable=writable)
        limit = _WRITE_SECONDS if writable else _READ_SECONDS
        engine = create_engine(
            parsed,
            pool_pre_ping=True,
            pool_recycle=600,
            hide_parameters=True,
            connect_args=_limits(parsed, limit),
            **pool,
        )
        if (module := _CONNECT.get(parsed.get_driver_name())) is not None:
            event.listen(engine, "do_connect", import_module(module).connect)
        return engine
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        # The error of make_url may contain the whole URL with the password.
        no_driver = isinstance(error, NoSuchModuleError | ModuleNotFoundError)
        reason = "its driver is not installed" if no_driver else "it is not the URL of a database"
        raise ArchiveError(
            f"`system.archive_url` cannot be used: {reason}. Use a URL such as"
            " postgresql+psycopg://user@host/database or mysql+pymysql://user@host/database, and install its driver in"
            " the service's environment."
        ) from None


def is_server(engine: Engine) -> bool:
    """Returns True if the archive is in the database of a server, and not in a file."""
    return engine.dialect.name != "sqlite"


def _limits(url: URL, seconds: int) -> dict[str, Any]:
    """Returns driver-specific time limits, so that a server that hangs blocks no thread for long.

    They are empty for other drivers.
    """
    milliseconds = seconds * 1000
    longest = seconds + _SERVER_SECONDS
    postgresql = {"options": f"-c statement_timeout={milliseconds}", "tcp_user_timeout": milliseconds}
    own: dict[str, dict[str, Any]] = {
        "pymysql": {"read_timeout": longest, "write_timeout": longest},
        "psycopg": {**postgresql, "answer_seconds": longest},
        "psycopg2": postgresql,
    }
    driver = url.get_driver_name()
    given = {name: value for name, value in own.get(driver, {}).items() if name not in url.query}
    return {"connect_timeout": _CONNECT_SECONDS, **given} if driver in own else {}


def _close_to_others(file: Path) -> None:
    """Closes the archive and its WAL to other users, whatever umask it was created with. The group keeps its rights."""
    for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        try:
            status = path.lstat()
        except FileNotFoundError:
            # Archives of earlier releases have a WAL. SQLite gives a journal the mode of the archive.
            continue
        if status.st_mode & stat.S_IRWXO and status.st_uid == os.geteuid() and stat.S_ISREG(status.st_mode):
            logger.info("%s was open to other users (mode %04o). It is closed to them.", path, status.st_mode & 0o7777)
            path.chmod(stat.S_IMODE(status.st_mode) & ~stat.S_IRWXO)


def _sqlite(file: Path, *, writable: bool) -> Engine:
    """Creates the engine of an SQLite file. It has no pool, so an administrator may replace the file at any time.

    A reader opens the file for writing, too: it rolls back the transaction of a collector that was killed.
    """
    mode = "rwc" if writable else "rw"
    engine = create_engine(
        f"sqlite:///file:{file.absolute()}?mode={mode}&uri=true",
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
        poolclass=NullPool,
    )

    def check_file(_dialect: Any, _record: Any, _args: Any, _parameters: Any) -> None:
        require_archive_file(file)

    event.listen(engine, "do_connect", check_file)
    if not writable:

        def refuse_writes(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA query_only = ON")

        event.listen(engine, "connect", refuse_writes)
        return engine

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
        _close_to_others(file)
        # EXTRA: committed samples survive a power failure (https://www.sqlite.org/pragma.html#pragma_synchronous).
        connection.execute("PRAGMA synchronous = EXTRA")
        try:
            # All samples are then in the file itself. A WAL that stays behind would be applied to a restored backup.
            connection.execute("PRAGMA journal_mode = DELETE")
        except engine.dialect.loaded_dbapi.OperationalError:
            # A process of an earlier release has its WAL open, which stays in use until that process ends.
            logger.info("The load archive has a WAL that another process uses.")

    event.listen(engine, "do_connect", make_folder)
    event.listen(engine, "connect", prepare)
    return engine
