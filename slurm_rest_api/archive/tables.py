"""Tables of the load archive, the same in SQLite, PostgreSQL, MariaDB and MySQL.

There is one table per level: the collector's samples, and rollups of 10 minutes to a day. A row is one sample of the
whole cluster as compressed JSON: samples are written once, read by time range and mostly sent unchanged.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import orjson
import zstandard
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table
from sqlalchemy.dialects import mysql

from slurm_rest_api.archive.sample import WIDTHS, Sample

metadata = MetaData()

_EFFORT: Final = 1
"""Compression level. Higher levels make samples of a few kilobytes hardly smaller, and slower to read."""

_BODY: Final = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


class _Codec(threading.local):
    """Compressor and decompressor of a thread. Creating them is slow, and threads cannot share them."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_EFFORT)
        self.decompressor = zstandard.ZstdDecompressor()


_CODEC: Final = _Codec()


def _level(name: str) -> Table:
    return Table(
        name,
        metadata,
        # An INTEGER primary key is SQLite's row number, so rows are stored in the order of time.
        Column("time", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
        Column("weight", Integer, nullable=False),
        Column("body", _BODY, nullable=False),
    )


RAW: Final = _level("load_sample")
_NAMES: Final = ("load_10_minutes", "load_hour", "load_6_hours", "load_day")
LEVELS: Final[dict[int, Table]] = {width: _level(name) for width, name in zip(WIDTHS, _NAMES, strict=True)}
"""Tables of rollups by width in seconds, narrowest first."""


def pack(sample: Sample) -> bytes:
    """Compresses a sample for storage, to about a sixth of its JSON."""
    return _CODEC.compressor.compress(orjson.dumps(sample))


def unpack(body: bytes) -> bytes:
    """Returns the JSON of a stored sample."""
    return _CODEC.decompressor.decompress(body)


def read(body: bytes) -> Sample:
    """Decodes a stored sample."""
    sample: Any = orjson.loads(unpack(body))
    return dict(sample)
