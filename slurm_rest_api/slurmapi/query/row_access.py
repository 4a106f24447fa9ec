"""Which records of the store are there for whoever asks, as a condition on its columns; pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.store.conditions import ALWAYS, Condition, any_of, compares, one_of_many
from slurm_rest_api.slurmapi.store.index_columns import Kind


class RowFilter(NamedTuple):
    """The condition that a record meets which may be seen, and the cache key of the scope it comes from."""

    where: Condition = ALWAYS
    cache_key: str = ""

    @property
    def is_all(self) -> bool:
        """Whether every record may be seen."""
        return self.where == ALWAYS


ALL: Final = RowFilter()


def row_filter_for(kind: Kind, scope: DataScope) -> RowFilter:
    """The records of `kind` that `scope` leaves: of private jobs one's own, and those of the accounts one coordinates.

    Other kinds have no owner; where they are private their routes are closed.
    """
    if kind != "queue" or not scope.hides("jobs"):
        return ALL
    own = compares("user_name", "=", scope.user)
    if not scope.accounts:
        return RowFilter(own, scope.cache_key)
    return RowFilter(any_of([own, one_of_many("account", sorted(scope.accounts))]), scope.cache_key)
