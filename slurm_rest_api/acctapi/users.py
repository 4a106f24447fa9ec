"""Filters, sorts and pages the associations of /users. Independent of HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slurm_rest_api.acctapi.associations import Association, Associations, Record
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.parameters import UsersParameters
from slurm_rest_api.acctapi.reference_data import ReferenceData, ReferenceDataCache
from slurm_rest_api.auth.data_scope import DataScope

CursorKey = tuple[str, str, str, int]
"""Sort key of an association: user, account, partition, id."""


class VisibleAssociations:
    """The associations that `scope` allows: a user's own, and all under the accounts that they coordinate.

    If only accounts are private, also those of other users under the user's own accounts.
    """

    def __init__(self, scope: DataScope, associations: Associations) -> None:
        self._scope = scope
        self._users, self._accounts = scope.hides("users"), scope.hides("accounts")
        own = associations.accounts_of_user(scope.user) if self._accounts else frozenset[str]()
        self._known = own | scope.accounts

    def includes(self, row: Association) -> bool:
        """Returns True if the user may see the association."""
        if row.user == self._scope.user or not (self._users or self._accounts):
            return True
        return row.acct in (self._scope.accounts if self._users else self._known)

    def shows_account(self, acct: str) -> bool:
        """Returns True if the user may see the account itself."""
        return not self._accounts or acct in self._known

    def without_other_accounts(self, record: Record) -> Record:
        """Returns the record without the names of accounts that the user may not see."""
        if not self._accounts:
            return record
        hidden = {field: None for field in ("parent_account", "default_account") if record[field] not in self._known}
        return {**record, **hidden}


@dataclass(frozen=True)
class UsersPage:
    """Associations of one page. `next` is the cursor of the next page, None on the last one."""

    reference: ReferenceData
    shown: VisibleAssociations
    associations: list[Association]
    next: CursorKey | None
    truncated: bool

    def records(self) -> Iterator[Record]:
        """Yields the published records."""
        for row in self.associations:
            record = self.reference.associations.record(row, self.reference.qos, self.reference.tres)
            yield self.shown.without_other_accounts(record)


class Users:
    """Associations of users. Associations with a partition in `hidden` are never returned."""

    def __init__(
        self, database: Database, reference_data: ReferenceDataCache, hidden: frozenset[str], most: int
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._hidden = hidden
        self._most = most

    def page(self, query: UsersParameters, after: CursorKey | None, scope: DataScope) -> UsersPage:
        """Returns the page of `query` after the sort key `after`, with the associations that `scope` allows.

        Raises:
            ApiError: the database cannot be used.
        """
        reference = self._database.run(self._reference_data.get)
        visible = VisibleAssociations(scope, reference.associations)
        matching = (row for row in reference.associations if self._matches(row, query) and visible.includes(row))
        wanted = sorted(matching, key=cursor_key_of)
        if after is not None:
            wanted = [row for row in wanted if cursor_key_of(row) > after]
        limit = self._most if query.limit is None else min(query.limit, self._most)
        shown = wanted[:limit]
        more = len(wanted) > limit
        cut = more and limit != query.limit
        return UsersPage(reference, visible, shown, cursor_key_of(shown[-1]) if more else None, truncated=cut)

    def _matches(self, row: Association, query: UsersParameters) -> bool:
        return (
            row.user != ""
            and row.partition not in self._hidden
            and (query.deleted or not row.deleted)
            and all(names is None or row.user in names for names in (query.name, query.user))
            and (query.acct is None or row.acct in query.acct)
        )


def cursor_key_of(row: Association) -> CursorKey:
    """Returns the sort key of an association."""
    return row.user, row.acct, row.partition, row.id
