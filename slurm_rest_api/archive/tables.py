"""The tables of the load archive, the same in SQLite, PostgreSQL and MariaDB or MySQL.

One table a level: the collector's samples, and what is kept for longer of 10 minutes, an hour and a day. A row is one
sample of the whole cluster as compressed JSON: samples are written once and read by range of time, never by content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson
import zstandard
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table
from sqlalchemy.dialects import mysql

from slurm_rest_api.archive.sample import LEVEL_WIDTHS, Sample

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
LEVELS: Final[dict[int, Table]] = dict(
    zip(LEVEL_WIDTHS, map(_level, ("load_10_minutes", "load_hour", "load_day")), strict=True)
)
"""By their width in seconds, the narrowest first. Days are those of UTC."""


def pack(sample: Sample) -> bytes:
    """A sample as it is stored: a sixth of its JSON, or less."""
    return zstandard.compress(orjson.dumps(sample))


def unpacker() -> Callable[[bytes], bytes]:
    """A function that gives the JSON of stored samples; for one thread, and faster than starting anew for each."""
    return zstandard.ZstdDecompressor().decompress


def read(body: bytes) -> Sample:
    """A stored sample."""
    sample: Sample = orjson.loads(zstandard.decompress(body))
    return sample
