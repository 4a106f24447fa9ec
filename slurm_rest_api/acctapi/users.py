"""The associations of /users, sorted, filtered and cut into pages. Nothing here knows HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slurm_rest_api.acctapi.associations import Association, Record
from slurm_rest_api.acctapi.catalog import Catalog, Catalogs
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.parameters import UsersParameters

Place = tuple[str, str, str, int]
"""The sort key of an association: user, account, partition, id."""


@dataclass(frozen=True)
class UsersPage:
    """The associations of one answer; `next` is the place of the last when more follow."""

    catalog: Catalog
    associations: list[Association]
    next: Place | None
    truncated: bool

    def records(self) -> Iterator[Record]:
        """The published records."""
        for row in self.associations:
            yield self.catalog.associations.record(row, self.catalog.qos, self.catalog.tres)


class Users:
    """Associations of users; those with a partition that is hidden are not there for anybody."""

    def __init__(self, database: Database, catalogs: Catalogs, hidden: frozenset[str], most: int) -> None:
        self._database = database
        self._catalogs = catalogs
        self._hidden = hidden
        self._most = most

    def page(self, query: UsersParameters, after: Place | None) -> UsersPage:
        """The page of `query` behind the place `after`.

        Raises:
            ApiError: the database cannot be used.
        """
        catalog = self._database.run(self._catalogs.present)
        wanted = sorted((row for row in catalog.associations if self._matches(row, query)), key=place_of)
        if after is not None:
            wanted = [row for row in wanted if place_of(row) > after]
        limit = self._most if query.limit is None else min(query.limit, self._most)
        shown = wanted[:limit]
        more = len(wanted) > limit
        cut = more and limit != query.limit
        return UsersPage(catalog, shown, place_of(shown[-1]) if more else None, truncated=cut)

    def _matches(self, row: Association, query: UsersParameters) -> bool:
        return (
            row.user != ""
            and row.partition not in self._hidden
            and (query.deleted or not row.deleted)
            and all(wanted in (None, row.user) for wanted in (query.name, query.user))
            and query.acct in (None, row.acct)
        )


def place_of(row: Association) -> Place:
    """Where an association stands in the order of the answer."""
    return row.user, row.acct, row.partition, row.id
