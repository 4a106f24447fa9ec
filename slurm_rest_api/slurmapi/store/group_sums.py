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


class NamedNodes(NamedTuple):
    """The nodes with one `node_kind`: their names, and in the same order the CPUs and memory that jobs hold.

    Each has the values with commas between them.
    """

    node_kind: str
    names: str
    alloc_cpus: str
    alloc_mem: str


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

    def nodes_by_kind(self) -> list[NamedNodes]:
        """Returns all nodes in groups by `node_kind`. Null counts as 0.

        Reads an index that has them in this order, in a third of the time that a row for each node takes.
        """
        query = (
            "SELECT node_kind, group_concat(key), group_concat(coalesce(alloc_cpus, 0)),"
            " group_concat(coalesce(alloc_mem, 0)) FROM nodes_index INDEXED BY nodes_by_node_kind"
            " WHERE node_kind IS NOT NULL GROUP BY node_kind"
        )
        return [NamedNodes(*row) for row in self._statements.execute(query)]
