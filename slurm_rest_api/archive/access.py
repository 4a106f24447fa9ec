"""Tries the rights on the tables of the load archive, for `slurm-rest-api check`."""

from __future__ import annotations

from sqlalchemy import Connection, delete, false, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.tables import metadata
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError


def has_all_tables(system: SystemSettings) -> bool:
    """Opens the archive, and reads a row of each table. Returns False if a table is missing. Changes nothing.

    Raises:
        ArchiveError: the archive cannot be opened or is damaged, or the account lacks a right. The message is the
            database's.
    """
    engine = open_engine(system, writable=False)
    try:
        with engine.connect() as connection:
            present = set(inspect(connection).get_table_names())
            for table in metadata.sorted_tables:
                if table.name in present:
                    connection.execute(select(table).limit(1)).first()
            _try_to_write(connection, present)
            _require_whole(connection)
            return present >= {table.name for table in metadata.sorted_tables}
    except SQLAlchemyError as error:
        raise ArchiveError(str(getattr(error, "orig", None) or error).strip().rstrip(".")) from error
    finally:
        engine.dispose()


def _require_whole(connection: Connection) -> None:
    """Checks the structure of an SQLite file (PRAGMA quick_check). A server checks its own tables."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise ArchiveError(f"it is damaged ({found}). Restore it from a backup, or delete it to begin a new one.")


def _try_to_write(connection: Connection, present: set[str]) -> None:
    """Has a server check the right to delete, with a statement that deletes no row. A file is opened for reading."""
    if connection.dialect.name == "sqlite":
        return
    for table in metadata.sorted_tables:
        if table.name in present:
            connection.execute(delete(table).where(false()))
    connection.rollback()
