"""The tables of the load archive, the same in SQLite, PostgreSQL and MariaDB or MySQL.

One table a level: the collector's samples, and what is kept for longer of 10 minutes, an hour and a day. A row is one
sample of the whole cluster as compressed JSON: samples are written once and read by range of time, never by content.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table
from sqlalchemy.dialects import mysql

from slurm_rest_api.archive.sample import Sample

metadata = MetaData()

_BODY: Final = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def _level(name: str) -> Table:
    return Table(
        name,
        metadata,
        # An INTEGER primary key is SQLite's own row number: rows then lie in the order of time.
        Column("time", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
        Column("weight", Integer, nullable=False),
        Column("body", _BODY, nullable=False),
    )


RAW: Final = _level("load_sample")
LEVELS: Final[dict[int, Table]] = {
    600: _level("load_10_minutes"),
    3600: _level("load_hour"),
    86400: _level("load_day"),
}
"""By their width in seconds, the narrowest first. Days are those of UTC."""


def pack(sample: Sample) -> bytes:
    """A sample as it is stored: about an eighth of its JSON."""
    return zlib.compress(orjson.dumps(sample))


def unpack(body: bytes) -> bytes:
    """The JSON of a stored sample."""
    return zlib.decompress(body)


def read(body: bytes) -> Sample:
    """A stored sample."""
    sample: Any = orjson.loads(unpack(body))
    return dict(sample)
