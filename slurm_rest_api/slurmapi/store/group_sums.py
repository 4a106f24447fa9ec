"""Reads all records of one kind in groups that share the values of some columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from slurm_rest_api.slurmapi.store.index_columns import Kind, Value
from slurm_rest_api.slurmapi.store.statements import Statements


class GroupSum(NamedTuple):
    """One group of records: the values that they share, their number, and sums of their columns."""

    values: tuple[Value, ...]
    number: int
    sums: tuple[int, ...]


class GroupSums:
    """Reads the groups of records of one view of the store. Names of columns are ours, never a client's text."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def group_sums(self, kind: Kind, columns: Sequence[str], sums: Sequence[str]) -> list[GroupSum]:
        """Returns the groups of all records by `columns`, with the sums of the columns `sums`. Null counts as 0.

        Reads the narrow table once, whatever indexes it has.
        """
        totals = "".join(f", coalesce(sum({column}), 0)" for column in sums)
        # In the order of an index SQLite would seek in the table for each row.
        grouped = ", ".join(f"+{column}" for column in columns)
        query = f"SELECT {', '.join(columns)}, count(*){totals} FROM {kind}_index GROUP BY {grouped}"
        width = len(columns)
        return [
            GroupSum(tuple(row[:width]), row[width], tuple(row[width + 1 :])) for row in self._statements.execute(query)
        ]
