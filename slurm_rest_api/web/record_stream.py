"""Responses with a list of records: as JSON with an envelope, or as a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Response

from slurm_rest_api.web.compression import compress
from slurm_rest_api.web.conditional import MIN_COMPRESSED_BYTES, accepted_coding
from slurm_rest_api.web.paging import add_link_header
from slurm_rest_api.web.text_formats import MIMETYPES, Format, table_of

_FIRST: Final = 500
_PIECE_BYTES: Final = 100_000


def listing(
    records: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    format: Format,  # noqa: A002 - the parameter's own name
    meta: Mapping[str, Any],
) -> Response:
    """Returns a 200 that streams the records. `columns` are those of a table.

    The first records are read before the response begins, so that an early failure becomes an error response.
    """
    first = list(itertools.islice(records := iter(records), _FIRST))
    rows = itertools.chain(first, records)
    if format == "json":
        return rendered_listing(map(orjson.dumps, rows), meta)
    return _streamed(table_of(format, rows, columns), MIMETYPES[format], meta)


def rendered_listing(records: Iterable[bytes], meta: Mapping[str, Any]) -> Response:
    """Returns a 200 that streams records that are rendered already."""
    return _streamed(_enveloped(records, meta), MIMETYPES["json"], meta)


def chosen(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yields each record with only these fields."""
    return ({field: record[field] for field in fields} for record in records)


def _streamed(pieces: Iterator[bytes], mimetype: str, meta: Mapping[str, Any]) -> Response:
    """Returns a 200 that streams `pieces`, compressed if the client accepts that and it saves something.

    `meta.next` is repeated as `Link` and `meta.truncated` as `X-Truncated`, because tables have no `meta`.
    """
    beginning = b""
    while len(beginning) < MIN_COMPRESSED_BYTES and (piece := next(pieces, None)) is not None:
        beginning += piece
    body = itertools.chain([beginning], pieces)
    coding = accepted_coding() if len(beginning) >= MIN_COMPRESSED_BYTES else "identity"
    response = Response(compress(body, coding), mimetype=mimetype)
    if coding != "identity":
        response.content_encoding = coding
    response.vary.add("Accept-Encoding")
    if meta.get("next"):
        add_link_header(response, meta["next"])
    if meta.get("truncated"):
        response.headers["X-Truncated"] = "1"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _piece(records: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the records of one piece. Larger pieces cost more time to allocate than to fill."""
    size = 0
    for record in records:
        yield record
        size += len(record)
        if size >= _PIECE_BYTES:
            return


def _enveloped(records: Iterable[bytes], meta: Mapping[str, Any]) -> Iterator[bytes]:
    separator = b'{"data":['
    records = iter(records)
    while batch := list(_piece(records)):
        yield separator + b",".join(batch)
        separator = b","
    yield (b'{"data":[' if separator != b"," else b"") + b'],"meta":' + orjson.dumps(meta) + b"}"
