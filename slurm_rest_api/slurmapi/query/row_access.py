"""SQL condition that limits a query to the rows that the current user may see."""

from __future__ import annotations

from typing import Final, NamedTuple

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.query.fair_share import visible_fair_share
from slurm_rest_api.slurmapi.store.conditions import (
    ALWAYS,
    Condition,
    all_of,
    any_of,
    compares,
    has_any_word,
    none_of,
    one_of_many,
)
from slurm_rest_api.slurmapi.store.index_columns import Kind


class RowFilter(NamedTuple):
    """The condition that visible records meet, and the cache key of the scope that it comes from."""

    where: Condition = ALWAYS
    cache_key: str = ""

    @property
    def is_all(self) -> bool:
        """True if every record is visible."""
        return self.where == ALWAYS


ALL: Final = RowFilter()


def row_filter_for(kind: Kind, scope: DataScope) -> RowFilter:
    """Returns the filter for the records of `kind` that `scope` leaves visible.

    Of private reservations these are those that the user may use. Of private jobs these are the user's own and those of
    the accounts that they coordinate. Nodes and partitions have no owner. Where they are private, `auth` closes their
    routes.
    """
    if kind == "fairshare":
        where = visible_fair_share(scope)
        return ALL if where == ALWAYS else RowFilter(where, scope.cache_key)
    if kind == "reservations" and scope.hides("reservations"):
        return RowFilter(_may_use(scope), scope.cache_key)
    if kind != "queue" or not scope.hides("jobs"):
        return ALL
    own = compares("user_name", "=", scope.user)
    if not scope.accounts:
        return RowFilter(own, scope.cache_key)
    return RowFilter(any_of([own, one_of_many("account", sorted(scope.accounts))]), scope.cache_key)


def _may_use(scope: DataScope) -> Condition:
    """Returns the condition for reservations that the user may use, in the words of `viewer_words`.

    A reservation of users and accounts (`&`) needs both, as in slurmctld. A user in an excluded account does not see
    the reservation, even where another account of theirs may use it. A coordinator has no right to the reservations of
    the coordinated accounts. A user whose accounts are unknown, or who has none, sees no reservation that excludes an
    account.
    """
    accounts = sorted(scope.member_of)
    user, account = _has([f"u:{scope.user}"]), _has([f"a:{name}" for name in accounts])
    excluded = _has([f"-u:{scope.user}", *([f"-a:{name}" for name in accounts] or ["-a"])])
    either = all_of([none_of([_has(["&"])]), any_of([user, account])])
    return all_of([any_of([_has(["*"]), all_of([user, account]), either]), none_of([excluded])])


def _has(words: list[str]) -> Condition:
    return has_any_word("reservations", "viewer_words", words)
