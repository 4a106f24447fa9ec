"""The usage and the statistics as tables; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slurm_rest_api.web.text_formats import Format, flat, table_of

Record = dict[str, Any]


def usage_table(
    format: Format,  # noqa: A002 - the parameter's own name
    usage: Mapping[str, Any],
    fields: Sequence[str],
) -> Iterator[bytes]:
    """One row a partition, its name as `partition`; `fields` are the columns where there is no partition."""
    records = [{"partition": name, **entry} for name, entry in usage["partitions"].items()]
    if format == "ndjson":
        return table_of(format, records, ())
    return table_of(format, [flat(record) for record in records], _columns(records) or ("partition", *fields))


def statistics_table(
    format: Format,  # noqa: A002 - the parameter's own name
    statistics: Mapping[str, Any],
) -> Iterator[bytes]:
    """One row a figure: `schedule_exit.max_time` and its value."""
    rows = [{"name": name, "value": value} for name, value in flat(statistics).items()]
    return table_of(format, rows, ("name", "value"))


def _columns(records: Sequence[Record]) -> tuple[str, ...]:
    """What is inside a field stays together, though one record has less of it than another."""
    fields = dict.fromkeys(field for record in records for field in record)
    present = ({field: record[field]} for field in fields for record in records if field in record)
    return tuple(dict.fromkeys(column for part in present for column in flat(part)))
