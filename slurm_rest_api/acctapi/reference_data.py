"""Reads and caches associations, QOS and TRES: the names that job records refer to by number, and the limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection, select

from slurm_rest_api.acctapi.associations import Associations, association_of
from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.qos import Qos, qos_of

Value = TypeVar("Value")

_ORPHANS_LIFETIME_SECONDS: Final = 600.0


@dataclass(frozen=True)
class ReferenceData:
    """Associations, the QOS, and the names of QOS and TRES by id, read at one time."""

    associations: Associations
    qos: Mapping[int, str]
    tres: Mapping[int, str]
    qos_rows: Mapping[str, Qos]
    """The QOS that are not removed, by name."""
    qos_list: Sequence[Qos] = ()
    """All QOS, removed ones included."""

    def qos_ids(self, name: str) -> frozenset[int]:
        """Returns the ids of the QOS with a name. Removed ones have the same name."""
        return frozenset(number for number, known in self.qos.items() if known == name)


# The ids of a site's own TRES follow it. slurmdbd writes a row `dynamic_offset` for it (_as_mysql_acct_check_tables()).
_TRES_OFFSET: Final = 1000


class ReferenceDataCache:
    """Caches the reference data for `lifetime_seconds`. Thread-safe: one thread reads at a time."""

    def __init__(self, lifetime_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._data = _CachedRead[ReferenceData](lifetime_seconds, clock)
        self._orphan_ids = _CachedRead[frozenset[int]](_ORPHANS_LIFETIME_SECONDS, clock)

    def get(self, connection: Connection, schema: Schema) -> ReferenceData:
        """Returns the reference data, at most `lifetime_seconds` old."""
        return self._data.get(lambda: _read(connection, schema))

    def orphan_association_ids(self, connection: Connection, schema: Schema) -> frozenset[int]:
        """Returns ids of associations that job records have and the association table lacks. 0 is always one of them.

        The server reads one entry of an index per id (EXPLAIN: "Using index for group-by"), so large tables cost little
        more.
        """
        associations = self.get(connection, schema).associations

        def read() -> frozenset[int]:
            used = frozenset(connection.execute(select(schema.job.c.id_assoc).distinct()).scalars())
            return (used | {0}) - associations.ids()

        return self._orphan_ids.get(read)


class _CachedRead(Generic[Value]):
    """Caches a value for `lifetime_seconds`. One thread reads it, and the others wait for its result or its error.

    A thread that read again after an error would wait for a database that hangs as long as the first, after it.
    """

    def __init__(self, lifetime_seconds: float, clock: Callable[[], float]) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._value: tuple[float, Value] | None = None
        self._reading: Future[Value] | None = None

    def get(self, read: Callable[[], Value]) -> Value:
        """Returns the value, at most `lifetime_seconds` old. Raises what `read` raises, here or in another thread."""
        with self._lock:
            now = self._clock()
            if self._value is not None and now < self._value[0]:
                return self._value[1]
            other, own = self._reading, Future[Value]()
            self._reading = other or own
        if other is not None:
            return other.result()
        try:
            value = read()
        except BaseException as error:
            self._end(None)
            own.set_exception(error)
            raise
        self._end((now + self._lifetime_seconds, value))
        own.set_result(value)
        return value

    def _end(self, value: tuple[float, Value] | None) -> None:
        with self._lock:
            self._value, self._reading = value, None


def _read(connection: Connection, schema: Schema) -> ReferenceData:
    rows = connection.execute(select(schema.tres).where(schema.tres.c.id != _TRES_OFFSET))
    tres = {row.id: f"{row.type}/{row.name}" if row.name else row.type for row in rows}
    found = [qos_of(row) for row in connection.execute(select(schema.qos)).mappings()]
    return ReferenceData(
        associations=Associations(association_of(row) for row in connection.execute(select(schema.assoc)).mappings()),
        qos={row.id: row.name for row in found},
        tres=tres,
        qos_rows={row.name: row for row in found if not row.deleted},
        qos_list=found,
    )
