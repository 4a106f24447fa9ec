"""Writes records and envelopes as JSON, piece by piece."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

_BATCH: Final = 100

KeyedBody = tuple[int | str, bytes]
"""The key of a record and its rendered JSON."""


def with_fields(body: bytes, fields: Sequence[str] | None) -> bytes:
    """Returns a rendered record with only `fields`, in this order. None keeps all fields."""
    if fields is None:
        return body
    record = orjson.loads(body)
    return orjson.dumps({field: record.get(field) for field in fields})


def as_object(records: Iterable[KeyedBody]) -> Iterator[bytes]:
    """Yields a JSON object of the records by their keys."""
    yield from _joined((orjson.dumps(str(key)) + b":" + body for key, body in records), b"{", b"}")


def as_list(records: Iterable[KeyedBody]) -> Iterator[bytes]:
    """Yields a JSON list of the records."""
    yield from _joined((body for _, body in records), b"[", b"]")


def in_envelope(data: Iterable[bytes], meta: Mapping[str, Any]) -> Iterator[bytes]:
    """Yields a response of `data`, which is JSON in pieces, and `meta`. Reads `meta` after the last piece."""
    yield b'{"data":'
    yield from data
    yield b',"meta":' + orjson.dumps(meta) + b"}"


def parsed(records: Iterable[KeyedBody]) -> Iterator[dict[str, Any]]:
    """Yields the records as dictionaries."""
    return (orjson.loads(body) for _, body in records)


def _joined(parts: Iterator[bytes], begin: bytes, end: bytes) -> Iterator[bytes]:
    separator = begin
    while batch := list(itertools.islice(parts, _BATCH)):
        yield separator + b",".join(batch)
        separator = b","
    yield begin + end if separator == begin else end
