"""Records as text tables: CSV for spreadsheets and NDJSON for programs, a piece at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import orjson

Format = Literal["json", "csv", "ndjson"]

MIMETYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
}
# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection").
_FORMULA: Final = frozenset("=+-@\t\r")
_BATCH: Final = 200


def ndjson(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One JSON object a line."""
    for record in records:
        yield orjson.dumps(record) + b"\n"


def csv_table(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[bytes]:
    """A heading and one line a record (RFC 4180, UTF-8); null is empty, objects and lists are JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(fields)
    for count, record in enumerate(records, 1):
        writer.writerow([_cell(record.get(field)) for field in fields])
        if count % _BATCH == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    # Lone surrogates cannot come from the database or from SQLite, but a made-up source may have them.
    return text.encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        # The quotation mark makes a spreadsheet take the cell for text.
        return f"'{value}" if value[:1] in _FORMULA else value
    if value is None or isinstance(value, int | float):
        return value
    return orjson.dumps(value).decode()
