"""Streams records as CSV, TSV, NDJSON or an aligned table."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import orjson

Format = Literal["json", "csv", "tsv", "ndjson", "table"]

MIMETYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ndjson": "application/x-ndjson",
    "table": "text/plain",
}
# Spreadsheets read a cell that begins with one of these as a formula (OWASP, "CSV Injection"). The last four are
# full-width forms, which some programs treat alike.
_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_BATCH_RECORDS: Final = 200
_MEASURED_RECORDS: Final = 1000
_MAX_COLUMN_WIDTH: Final = 60


def table_of(
    format: Format,  # noqa: A002 - the parameter's own name
    records: Iterable[Mapping[str, Any]],
    fields: Sequence[str],
) -> Iterator[bytes]:
    """Streams `records` in any format except json, which has an envelope."""
    match format:
        case "ndjson":
            return ndjson(records)
        case "csv":
            return csv_table(records, fields)
        case "tsv":
            return tsv_table(records, fields)
        case "table":
            return aligned_table(records, fields)
        case "json":
            raise ValueError("json is not a table")


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens a nested record: keys become `partitions.main.partition_load`, `nodes_by_state.IDLE` and so on."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            row.update(flat(value, f"{prefix}{name}."))
        else:
            row[f"{prefix}{name}"] = value
    return row


def ndjson(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Streams one JSON object per line."""
    for record in records:
        yield orjson.dumps(record) + b"\n"


def csv_table(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[bytes]:
    """Streams a header and one line per record (RFC 4180, UTF-8). Null is empty, objects and lists are JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(fields)
    for count, record in enumerate(records, 1):
        writer.writerow([_cell(record.get(field)) for field in fields])
        if count % _BATCH_RECORDS == 0:
            yield _flush(buffer)
    yield _flush(buffer)


def tsv_table(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[bytes]:
    """Streams a header and one line per record (text/tab-separated-values). A tab in a text becomes a space."""
    for line in _lines(records, fields, _cell):
        yield ("\t".join(line) + "\n").encode("utf-8", "replace")


def aligned_table(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[bytes]:
    """Streams aligned columns like squeue, as wide as the first 1000 records need, at most 60 characters."""
    lines = _lines(records, fields, _value, header=[field.upper() for field in fields])
    first = list(itertools.islice(lines, _MEASURED_RECORDS))
    widths = [min(max(map(len, column)), _MAX_COLUMN_WIDTH) for column in zip(*first, strict=True)]
    for line in itertools.chain(first, lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield (" ".join(cells).rstrip() + "\n").encode("utf-8", "replace")


def _lines(
    records: Iterable[Mapping[str, Any]],
    fields: Sequence[str],
    to_cell: Callable[[Any], Any],
    header: Sequence[str] | None = None,
) -> Iterator[list[str]]:
    yield list(header or fields)
    for record in records:
        yield [_one_line(to_cell(record.get(field))) for field in fields]


def _one_line(value: Any) -> str:
    """Returns the text of a cell. Control and invisible characters become spaces."""
    text = "" if value is None else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _flush(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    # A source of the site's own may have lone surrogates. The database and SQLite cannot.
    return text.encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """Returns the cell for a spreadsheet. An apostrophe keeps a text from becoming a formula."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _FORMULA else value
    return _value(value)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return orjson.dumps(value).decode()
