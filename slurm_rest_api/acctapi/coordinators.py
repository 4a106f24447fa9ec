"""Reads the accounts that each user coordinates.

A user coordinates the accounts that `sacctmgr add coordinator` gave them, the accounts with the flag UsersAreCoords
that they belong to, and every account below these.

Source: `acct_coord_table`, and the tree of accounts in `<cluster>_assoc_table` (slurmdbd's `_get_user_coords`). While
the tables cannot be read, no user is a coordinator.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, Table, select

from slurm_rest_api.acctapi.associations import Associations
from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.errors import ApiError, DatabaseBusy

_RETRY_SECONDS: Final = 60.0
"""After a failure only one request in this time waits for the database."""

_FIRST_READ_SECONDS: Final = 1.0
"""Longest wait for another thread that reads for the first time. Live routes wait for it, too."""

_BUSY_RETRY_SECONDS: Final = 1.0


class Coordinators:
    """Caches the coordinators for `lifetime_seconds`. Thread-safe.

    Requests for live data ask it, too. So one thread reads, while the others use what was read before.
    """

    def __init__(
        self,
        database: Database,
        reference_data: ReferenceDataCache,
        lifetime_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: Mapping[str, frozenset[str]] = {}
        self._associations: Associations | None = None
        self._expires: float | None = None

    def of(self, user: str) -> frozenset[str]:
        """Returns the accounts that `user` coordinates. None of them while the database cannot be read."""
        if self._is_expired() and self._lock.acquire(timeout=_FIRST_READ_SECONDS if self._expires is None else 0):
            try:
                if self._is_expired():
                    self._accounts, lifetime = self._read()
                    self._expires = self._clock() + lifetime
            finally:
                self._lock.release()
        return self._accounts.get(user, frozenset())

    def member_of(self, user: str) -> frozenset[str]:
        """Returns the accounts that `user` runs under, and those above them. None while they cannot be read."""
        self.of(user)
        return frozenset() if self._associations is None else self._associations.accounts_and_ancestors(user)

    def _is_expired(self) -> bool:
        return self._expires is None or self._expires <= self._clock()

    def _read(self) -> tuple[Mapping[str, frozenset[str]], float]:
        try:
            return self._database.run(self._query), self._lifetime_seconds
        except DatabaseBusy:
            return self._accounts, _BUSY_RETRY_SECONDS
        except ApiError:
            # `Database` has logged the error and reports it on /health.
            self._associations = None
            return {}, _RETRY_SECONDS

    def _query(self, connection: Connection, schema: Schema) -> Mapping[str, frozenset[str]]:
        associations = self._associations = self._reference_data.get(connection, schema).associations
        return read_coordinators(connection, schema.coord, associations)


def read_coordinators(connection: Connection, coord: Table, associations: Associations) -> Mapping[str, frozenset[str]]:
    """Returns for each coordinator the accounts that they coordinate, with all accounts below these."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.execute(select(coord.c.user, coord.c.acct).where(coord.c.deleted == 0)):
        named[row.user].add(row.acct)
    for user, accounts in associations.coordinated_by_flag().items():
        named[user] |= accounts
    return {user: associations.with_descendants(accounts) for user, accounts in named.items()}
