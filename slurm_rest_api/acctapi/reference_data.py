"""Reads and caches associations, QOS and TRES: the names that job records refer to by number, and the limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from slurm_rest_api.acctapi.associations import Associations, association_of
from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.qos import Qos, qos_of

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
        self._clock = clock
        self._lock = threading.Lock()
        self._data: tuple[float, ReferenceData] | None = None
        self._orphan_ids: tuple[float, frozenset[int]] | None = None

    def get(self, connection: Connection, schema: Schema) -> ReferenceData:
        """Returns the reference data, at most `lifetime_seconds` old."""
        with self._lock:
            if self._data is None or self._data[0] <= self._clock():
                self._data = (self._clock() + self.lifetime_seconds, _read(connection, schema))
            return self._data[1]

    def orphan_association_ids(self, connection: Connection, schema: Schema) -> frozenset[int]:
        """Returns ids of associations that job records have and the association table lacks. 0 is always one of them.

        The server reads one entry of an index per id (EXPLAIN: "Using index for group-by"), so large tables cost little
        more.
        """
        associations = self.get(connection, schema).associations
        with self._lock:
            if self._orphan_ids is None or self._orphan_ids[0] <= self._clock():
                used = frozenset(connection.execute(select(schema.job.c.id_assoc).distinct()).scalars())
                self._orphan_ids = (self._clock() + _ORPHANS_LIFETIME_SECONDS, (used | {0}) - associations.ids())
            return self._orphan_ids[1]


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
