"""Records as text tables: CSV and TSV for spreadsheets, NDJSON for programs, columns for people; a piece at a time."""

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
# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection"); the last four are the
# full-width forms, which some take for the plain ones.
_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_BATCH: Final = 200
_MEASURED: Final = 1000
_WIDEST: Final = 60


def table_of(
    format: Format,  # noqa: A002 - the parameter's own name
    records: Iterable[Mapping[str, Any]],
    fields: Sequence[str],
) -> Iterator[bytes]:
    """`records` in any format but json, which has an envelope."""
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
            raise ValueError("json is no table")


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A record with others inside as one row: `partitions.main.partition_load`, `nodes_by_state.IDLE` and so on."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            row.update(flat(value, f"{prefix}{name}."))
        else:
            row[f"{prefix}{name}"] = value
    return row


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


def tsv_table(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[bytes]:
    """A heading and one line a record (text/tab-separated-values); a tab inside a text becomes a blank."""
    for line in _lines(records, fields, _cell):
        yield ("\t".join(line) + "\n").encode("utf-8", "replace")


def aligned_table(records: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[bytes]:
    """Columns for people, as `squeue` has them: as wide as the first thousand records need, but at most 60 letters."""
    lines = _lines(records, fields, _value, heading=[field.upper() for field in fields])
    first = list(itertools.islice(lines, _MEASURED))
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*first, strict=True)]
    for line in itertools.chain(first, lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield (" ".join(cells).rstrip() + "\n").encode("utf-8", "replace")


def _lines(
    records: Iterable[Mapping[str, Any]],
    fields: Sequence[str],
    told: Callable[[Any], Any],
    heading: Sequence[str] | None = None,
) -> Iterator[list[str]]:
    yield list(heading or fields)
    for record in records:
        yield [_one_line(told(record.get(field))) for field in fields]


def _one_line(value: Any) -> str:
    """A cell of one line: what moves the cursor, or hides what follows, becomes a blank."""
    text = "" if value is None else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    # Lone surrogates cannot come from the database or from SQLite, but a made-up source may have them.
    return text.encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """What a spreadsheet gets: the apostrophe makes it take a text for text."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _FORMULA else value
    return _value(value)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return orjson.dumps(value).decode()
