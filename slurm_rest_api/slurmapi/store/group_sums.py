"""Reads all records of one kind in groups that share the values of some columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import orjson

from slurm_rest_api.slurmapi.store.index_columns import Kind, Value
from slurm_rest_api.slurmapi.store.statements import Statements

# All kinds of nodes, each found by one seek in the index.
_NODE_KINDS: Final = """
WITH RECURSIVE kinds(found) AS (
    SELECT min(node_kind) FROM nodes_index WHERE node_kind > ''
    UNION ALL
    SELECT (SELECT min(node_kind) FROM nodes_index WHERE node_kind > found) FROM kinds WHERE found IS NOT NULL
)
SELECT found FROM kinds WHERE found IS NOT NULL
"""
_NODES_OF_KINDS: Final = """
SELECT node_kind, group_concat(key), group_concat(coalesce(alloc_cpus, 0)), group_concat(coalesce(alloc_mem, 0))
FROM nodes_index INDEXED BY nodes_by_node_kind WHERE node_kind IN (SELECT value FROM json_each(?)) GROUP BY node_kind
"""


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

    def nodes_by_kind(self, partitions: Collection[str] | None = None) -> list[NamedNodes]:
        """Returns the nodes in groups by `node_kind`, with `partitions` those of these. Null counts as 0.

        Reads an index that has them in this order, in a third of the time that a row for each node takes.
        """
        kinds = [kind for (kind,) in self._statements.execute(_NODE_KINDS)]
        if partitions is not None:
            # A kind begins with the partitions of its nodes.
            kinds = [kind for kind in kinds if not set(kind.partition("\n")[0].split(",")).isdisjoint(partitions)]
        rows = self._statements.execute(_NODES_OF_KINDS, (orjson.dumps(kinds).decode(),))
        return [NamedNodes(*row) for row in rows]
