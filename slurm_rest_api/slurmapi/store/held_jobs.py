"""Counts the jobs that slurmctld counts in the limits of associations and QOS, and what they hold.

The collector sums them up in each load, so that no request reads the jobs. The table `limit_use` has a row for all jobs
(`owner` is `""`), for each account (`a:physics`) and for each user (`u:ada`). Its body is a JSON list of `LimitSum`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson

from slurm_rest_api.slurmapi.store.statements import Statements

ALL: Final = ""
"""The owner of all jobs."""

# The index has the rows of no other jobs.
_HELD: Final = "queue_index INDEXED BY queue_by_held_tres WHERE held_tres IS NOT NULL"


def account_key(account: str) -> str:
    """Returns the `owner` of an account."""
    return f"a:{account}"


def user_key(user: str) -> str:
    """Returns the `owner` of a user."""
    return f"u:{user}"


class LimitSum(NamedTuple):
    """Jobs of one owner in one QOS and partition: pending tasks, jobs that hold resources, and these resources.

    A pending job has all partitions that it may run in, with commas. `account` is None except for a user. TRES have
    the names and units of `parse_tres`.
    """

    qos: str | None
    account: str | None
    partition: str | None
    pending: int
    jobs: int
    tres: dict[str, int]


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

    def counts(self, found: LimitSum) -> bool:
        """Returns True if these jobs are among those of the limit, of any user."""
        partition = found.partition or ""
        if self.qos is not None and found.qos != self.qos and set(self.partitions).isdisjoint(partition.split(",")):
            return False
        if self.only_partition is not None and partition != self.only_partition:
            return False
        return partition not in self.other_partitions


@dataclass
class Held:
    """Sums over jobs: pending jobs and tasks, jobs that hold resources, and these resources by TRES."""

    pending: int = 0
    jobs: int = 0
    tres: Counter[str] = field(default_factory=Counter)


class HeldJobs:
    """Reads the jobs that limits count, of one view of the store."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def held(self, counted: CountedJobs, user: str | None = None) -> Held:
        """Returns the sums of the counted jobs. With `user`, of those of this user.

        Reads one row for each account or user, however many jobs they have.
        """
        if user is not None and counted.user not in (None, user):
            return Held()
        owner = user if counted.user is None else counted.user
        if owner is not None:
            owners = [user_key(owner)]
        elif counted.accounts is not None:
            owners = [account_key(account) for account in counted.accounts]
        else:
            owners = [ALL]
        found = Held()
        for each in self._sums(owners):
            is_counted = owner is None or counted.accounts is None or each.account in counted.accounts
            if is_counted and counted.counts(each):
                found.pending += each.pending
                found.jobs += each.jobs
                found.tres.update(each.tres)
        return found

    def held_nodes(self, counted: CountedJobs, owner: str) -> tuple[int, int]:
        """Returns the numbers of nodes that the counted jobs hold, and those of the user `owner` among them.

        Each node counts once. Reads all jobs that hold resources.
        """
        where, values = _condition(counted)
        query = f"SELECT node_words, user_name = ? FROM {_HELD} AND node_words IS NOT NULL{where}"
        all_words: set[str] = set()
        own_words: set[str] = set()
        for words, is_own in self._statements.execute(query, (owner, *values)):
            all_words.add(words)
            if is_own:
                own_words.add(words)
        return _nodes_in(all_words), _nodes_in(own_words)

    def _sums(self, owners: Sequence[str]) -> Iterable[LimitSum]:
        query = "SELECT body FROM limit_use WHERE owner IN (SELECT value FROM json_each(?))"
        for (body,) in self._statements.execute(query, (json.dumps(owners),)):
            for values in orjson.loads(body):
                yield LimitSum(*values)


def _nodes_in(all_words: Iterable[str]) -> int:
    nodes: set[str] = set()
    for words in all_words:
        nodes.update(words.strip(",").split(","))
    return len(nodes)


def _condition(counted: CountedJobs) -> tuple[str, tuple[str, ...]]:
    """Returns the condition on jobs that hold resources, as SQL that begins with ` AND`, and its values."""
    sql, values = "", []
    if counted.qos is not None and counted.partitions:
        sql = " AND (qos = ? OR partition IN (SELECT value FROM json_each(?)))"
        values = [counted.qos, json.dumps(counted.partitions)]
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
