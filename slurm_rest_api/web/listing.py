"""Answers that are lists of records: as JSON with an envelope, as CSV, or as NDJSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Response

from slurm_rest_api.web.paging import link_header
from slurm_rest_api.web.tables import MIMETYPES, Format, csv_table, ndjson

_FIRST: Final = 500


def listing(
    records: Iterable[Mapping[str, Any]],
    fields: Sequence[str],
    format: Format,  # noqa: A002 - the parameter's own name
    meta: Mapping[str, Any],
) -> Response:
    """A 200 with `fields` of each record, sent as they come.

    `meta.next`, where there is one, is also the `Link` header, and `meta.truncated` the header `X-Truncated`: CSV and
    NDJSON have no other place for them. The first records are made before the answer begins, so that what goes wrong
    at once becomes an error answer.
    """
    chosen = ({field: record[field] for field in fields} for record in records)
    first = list(itertools.islice(chosen, _FIRST))
    rows = itertools.chain(first, chosen)
    body = {"json": lambda: _json(rows, meta), "csv": lambda: csv_table(rows, fields), "ndjson": lambda: ndjson(rows)}
    response = Response(body[format](), mimetype=MIMETYPES[format])
    if meta.get("next"):
        response.headers["Link"] = link_header(meta["next"])
    if meta.get("truncated"):
        response.headers["X-Truncated"] = "1"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _json(records: Iterable[Mapping[str, Any]], meta: Mapping[str, Any]) -> Iterator[bytes]:
    separator = b'{"data":['
    records = iter(records)
    while batch := list(itertools.islice(records, _FIRST)):
        yield separator + orjson.dumps(batch)[1:-1]
        separator = b","
    yield (b'{"data":[' if separator != b"," else b"") + b'],"meta":' + orjson.dumps(meta) + b"}"
