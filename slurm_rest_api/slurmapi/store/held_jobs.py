"""Counts the jobs that slurmctld counts in the limits of associations and QOS, and what they hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, NamedTuple

from slurm_rest_api.slurm.states import JOBS
from slurm_rest_api.slurmapi.store.statements import Statements

# All columns that the statement reads are in this index, which has the rows of no other jobs.
_HELD: Final = "queue_index INDEXED BY queue_by_held_tres WHERE held_tres IS NOT NULL"
_PENDING: Final = json.dumps([state.name for state in JOBS.values() if state.phase == "pending"])


@dataclass(frozen=True)
class CountedJobs:
    """The jobs that one limit counts. None is no condition.

    Those in the QOS `qos`, or in one of `partitions`, which have it as QOS of the partition. Those of `user`, and in
    one of `accounts`. Those in `only_partition`, or outside `other_partitions`.
    """

    qos: str | None = None
    partitions: tuple[str, ...] = ()
    user: str | None = None
    accounts: tuple[str, ...] | None = None
    only_partition: str | None = None
    other_partitions: tuple[str, ...] = ()


class HeldTres(NamedTuple):
    """Jobs that hold the same TRES: the text of Slurm, their number, and how many of them are of one user."""

    tres: str
    jobs: int
    own: int


class HeldJobs:
    """Reads the jobs that hold resources, of one view of the store."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def held_tres(self, counted: CountedJobs, owner: str) -> list[HeldTres]:
        """Returns the jobs that hold resources by their TRES. `owner` is the user whose jobs are also counted alone.

        Reads only entries of an index of the jobs that hold resources, however many are pending.
        """
        where, values = _condition(counted)
        query = f"SELECT held_tres, count(*), sum(user_name = ?) FROM {_HELD}{where} GROUP BY held_tres"
        return [HeldTres(*row) for row in self._statements.execute(query, (owner, *values))]

    def held_nodes(self, counted: CountedJobs, user: str | None = None) -> int:
        """Returns the number of nodes that jobs hold, each counted once. With `user`, those of this user's jobs."""
        where, values = _condition(counted)
        if user is not None:
            where, values = f"{where} AND user_name = ?", (*values, user)
        query = f"SELECT DISTINCT node_words FROM {_HELD} AND node_words IS NOT NULL{where}"
        nodes: set[str] = set()
        for (words,) in self._statements.execute(query, values):
            nodes.update(words.strip(",").split(","))
        return len(nodes)

    def pending_tasks(self, counted: CountedJobs, owner: str) -> tuple[int, int]:
        """Returns the number of pending jobs and array tasks, and how many of them are of the user `owner`.

        Reads the jobs of a user by index, and without a user those of the whole table.
        """
        where, values = _condition(counted, pending=True)
        query = (
            "SELECT coalesce(sum(tasks), 0), coalesce(sum(CASE WHEN user_name = ? THEN tasks END), 0) FROM queue_index"
            f" WHERE job_state IN (SELECT value FROM json_each(?)){where}"
        )
        total, own = self._statements.execute(query, (owner, _PENDING, *values)).one()
        return total, own


def _condition(counted: CountedJobs, *, pending: bool = False) -> tuple[str, tuple[str, ...]]:
    """Returns the condition as SQL that begins with ` AND`, and its values.

    A pending job may have named several partitions. A job that holds resources is in one.
    """
    sql, values = "", []
    if counted.qos is not None and counted.partitions:
        by_partition = (
            "EXISTS (SELECT 1 FROM json_each(?) WHERE instr(partition_words, ',' || value || ','))"
            if pending
            else "partition IN (SELECT value FROM json_each(?))"
        )
        sql, values = f" AND (qos = ? OR {by_partition})", [counted.qos, json.dumps(counted.partitions)]
    elif counted.qos is not None:
        sql, values = " AND qos = ?", [counted.qos]
    for condition, value in (
        ("user_name = ?", counted.user),
        # Without the index of accounts: the root account has all jobs.
        ("+account IN (SELECT value FROM json_each(?))", counted.accounts),
        ("partition = ?", counted.only_partition),
        ("partition NOT IN (SELECT value FROM json_each(?))", counted.other_partitions or None),
    ):
        if value is not None:
            sql = f"{sql} AND {condition}"
            values.append(value if isinstance(value, str) else json.dumps(value))
    return sql, tuple(values)
