"""Stores the records of one load that have a name, and those of the optional kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from slurm_rest_api.slurmapi.collector.reservations import partitions_of_nodes, reservation_index_row
from slurm_rest_api.slurmapi.collector.valid_text import Renderer
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, IndexRow, Kind
from slurm_rest_api.slurmapi.store.record_writer import Row, StoreCycle

_OPTIONAL: Final[tuple[tuple[Kind, str], ...]] = (
    ("reservations", "reservations"),
    ("licenses", "licenses"),
    ("fairshare", "fair_share"),
)
"""Kinds of the store, with their names in a snapshot."""


def store_optional(cycle: StoreCycle, snapshot: Snapshot, loaded_at: float, renderer: Renderer) -> None:
    """Writes the optional kinds. One that is off is removed, one that was not read yet stays as it is."""
    partitions = partitions_of_nodes(snapshot.nodes)
    index_rows: dict[Kind, Callable[[Record], IndexRow]] = {
        "reservations": partial(reservation_index_row, partitions=partitions),
        "licenses": _license_index_row,
        "fairshare": _fair_share_index_row,
    }
    for kind, name in _OPTIONAL:
        records: list[Record] | None = getattr(snapshot, name)
        if records is not None:
            named = map(_named_fair_share, records) if kind == "fairshare" else records
            cycle.replace_records(kind, rows_of(named, index_rows[kind], renderer), loaded_at)
        elif name not in snapshot.optional_kinds:
            cycle.drop_records(kind, loaded_at)


def rows_of(records: Iterable[Record], index_row_of: Callable[[Record], IndexRow], renderer: Renderer) -> Iterator[Row]:
    """Yields the rows of records with a `name`. Of records with the same name only the first."""
    seen: set[str] = set()
    for record, body in map(renderer.render, records):
        if record["name"] not in seen:
            seen.add(record["name"])
            yield Row(record["name"], body, partial(index_row_of, record))


def _license_index_row(record: Record) -> IndexRow:
    return tuple(record.get(column) for column in COLUMNS["licenses"])


def _fair_share_index_row(record: Record) -> IndexRow:
    return tuple(record.get("user" if column == "user_name" else column) for column in COLUMNS["fairshare"])


def _named_fair_share(record: Record) -> Record:
    """Returns the association with its name: `account`, or `account/user[/partition]`."""
    parts = (record.get("account"), record.get("user"), record.get("partition"))
    return {"name": "/".join(part for part in parts if part), **record}
