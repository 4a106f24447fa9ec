"""Filters, sorts and pages the accounts of /accounts. Independent of HTTP.

Sources: the rows of `<cluster>_assoc_table` without a user are the tree of accounts with their limits, `acct_table` has
the texts, `acct_coord_table` the coordinators. Inheritance is that of slurmdbd's procedure get_parent_limits, and of
acct_policy_job_runnable_pre_select() of src/slurmctld/acct_policy.c, which checks group limits at each level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from slurm_rest_api.acctapi.associations import Association, Associations
from slurm_rest_api.acctapi.column_probe import Schema, readable
from slurm_rest_api.acctapi.coordinators import read_coordinators
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.encodings import tres
from slurm_rest_api.acctapi.list_page import ListPage, page_of
from slurm_rest_api.acctapi.reference_data import ReferenceData, ReferenceDataCache
from slurm_rest_api.acctapi.reference_parameters import AccountsParameters
from slurm_rest_api.acctapi.users import VisibleAssociations, cursor_key_of
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.contract_base import large_count
from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.slurm.stored_names import in_small_letters
from slurm_rest_api.web.error_texts import shown

Record = dict[str, Any]
_Path = tuple[str, ...]
"""The names of an account and those above it, root first. Sorted by it, each account precedes those below it."""

# Names of sacctmgr, columns of the table, True for limits of TRES.
_GROUP_LIMITS: Final = (
    ("GrpTRES", "grp_tres", True),
    ("GrpTRESMins", "grp_tres_mins", True),
    ("GrpTRESRunMins", "grp_tres_run_mins", True),
    ("GrpJobs", "grp_jobs", False),
    ("GrpJobsAccrue", "grp_jobs_accrue", False),
    ("GrpSubmitJobs", "grp_submit_jobs", False),
    ("GrpWall", "grp_wall", False),
)
_INHERITED_LIMITS: Final = (
    ("MaxTRES", "max_tres_pj", True),
    ("MaxTRESPerNode", "max_tres_pn", True),
    ("MaxTRESMins", "max_tres_mins_pj", True),
    ("MaxTRESRunMins", "max_tres_run_mins", True),
    ("MaxJobs", "max_jobs", False),
    ("MaxJobsAccrue", "max_jobs_accrue", False),
    ("MaxSubmitJobs", "max_submit_jobs", False),
    ("MaxWall", "max_wall_pj", False),
)
_OF_USERS: Final = ("user", "acct", "partition", "default_account", "is_default")
_USERS_ARE_COORDS: Final = 0x10000


@dataclass(frozen=True)
class _Facts:
    """Rows of the tables. `coordinators` is None if their table is not read."""

    reference: ReferenceData
    texts: Mapping[str, tuple[str | None, str | None]]
    coordinators: Mapping[str, frozenset[str]] | None


@dataclass(frozen=True)
class AccountDetail:
    """The record of one account. `truncated` is True if it lacks users or accounts, because there are too many."""

    record: Record
    truncated: bool


class Accounts:
    """The accounts of the cluster. Associations with a partition in `hidden` are never shown."""

    def __init__(
        self,
        database: Database,
        reference_data: ReferenceDataCache,
        hidden: frozenset[str],
        most: int,
        *,
        reads_coordinators: bool,
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._hidden = hidden
        self._most = most
        self._reads_coordinators = reads_coordinators

    def page(self, query: AccountsParameters, after: str | None, scope: DataScope) -> ListPage[Record, tuple[str]]:
        """Returns the page of `query` after the account called `after`, with the accounts that `scope` allows.

        Raises:
            BadParameter: there is no account `after`.
            ApiError: the database cannot be used.
        """
        view = _View(self._read(), scope, self._hidden)
        place = None if after is None else view.path_of(after)
        found = sorted((row for row in view.visible() if view.matches(row, query)), key=view.path)
        page = page_of(found, view.path, place, query.limit, self._most)
        following = None if page.next is None else (page.next[-1],)
        return ListPage([view.record(row) for row in page.items], following, page.truncated)

    def one(self, name: str, scope: DataScope) -> AccountDetail:
        """Returns the account called `name` with the accounts directly below it, and the associations of its users.

        Raises:
            NotFound: there is no such account, or `scope` hides it.
            ApiError: the database cannot be used.
        """
        view = _View(self._read(), scope, self._hidden)
        present = {row.acct: row for row in view.visible() if not row.deleted}
        row = present.get(name) or present.get(in_small_letters(name))
        if row is None:
            raise NotFound(f"There is no account {shown(name)}.")
        children, users = view.children(row), view.users(row)
        return AccountDetail(
            view.record(row)
            | {
                "child_accounts": [view.record(child) for child in children[: self._most]],
                "associations": [view.association_record(user) for user in users[: self._most]],
            },
            truncated=len(children) > self._most or len(users) > self._most,
        )

    def _read(self) -> _Facts:
        return self._database.run(self._query)

    def _query(self, connection: Connection, schema: Schema) -> _Facts:
        reference = self._reference_data.get(connection, schema)
        columns = readable(schema.acct, "/accounts", "table_acct").c
        # An account that is added again after its removal has the same row.
        rows = connection.execute(select(columns.name, columns.description, columns.organization))
        texts = {row.name: (row.description or None, row.organization or None) for row in rows}
        if not self._reads_coordinators:
            return _Facts(reference, texts, None)
        table = readable(schema.coordinators, "/accounts", "table_coord")
        by_account: defaultdict[str, set[str]] = defaultdict(set)
        for user, accounts in read_coordinators(connection, table, reference.associations).items():
            for account in accounts:
                by_account[account].add(user)
        return _Facts(reference, texts, {account: frozenset(users) for account, users in by_account.items()})


class _View:
    """The accounts as one user may see them."""

    def __init__(self, facts: _Facts, scope: DataScope, hidden: frozenset[str]) -> None:
        self._facts = facts
        self._scope = scope
        self._hidden = hidden
        self._associations: Associations = facts.reference.associations
        self._allowed = VisibleAssociations(scope, self._associations)
        self._children: defaultdict[str, list[Association]] = defaultdict(list)
        for row in self._associations.accounts():
            if row.parent_acct and not row.deleted and self._allowed.shows_account(row.acct):
                self._children[row.parent_acct].append(row)

    def visible(self) -> Iterator[Association]:
        """Yields the rows of accounts that the user may see, removed ones included."""
        return (row for row in self._associations.accounts() if self._allowed.shows_account(row.acct))

    def path(self, row: Association) -> _Path:
        """Returns the names of the account and of those above it, root first."""
        return tuple(above.acct for above in reversed([*self._associations.with_ancestors(row)]))

    def path_of(self, name: str) -> _Path:
        """Returns the path of the account called `name`.

        Raises:
            BadParameter: there is none.
        """
        for row in self.visible():
            if row.acct == name:
                return self.path(row)
        raise BadParameter(
            f"The account of `cursor` does not exist any more: {shown(name)}. Start again.", parameter="cursor"
        )

    def matches(self, row: Association, query: AccountsParameters) -> bool:
        """Returns True if the filters of `query` let the account through."""
        return (
            (query.deleted or not row.deleted)
            and (query.name is None or row.acct in query.name)
            and (query.parent is None or row.parent_acct in query.parent)
            and (query.under is None or not set(query.under).isdisjoint(self.path(row)))
            and (query.organization is None or self._texts(row)[1] in query.organization)
            and (query.coordinator is None or not set(query.coordinator).isdisjoint(self._coordinators(row) or ()))
            and (query.user is None or any(user.user in query.user for user in self.users(row)))
        )

    def children(self, row: Association) -> list[Association]:
        """Returns the accounts directly below, sorted by name."""
        return sorted(self._children[row.acct], key=lambda child: child.acct)

    def users(self, row: Association) -> list[Association]:
        """Returns the associations of users with the account, in the order of /users."""
        rows = map(self._associations.by_id, self._associations.ids_of_account(row.acct))
        return sorted((user for user in rows if user is not None and self._shows(user)), key=cursor_key_of)

    def association_record(self, row: Association) -> Record:
        """Returns the record of /users of an association."""
        reference = self._facts.reference
        return self._allowed.without_other_accounts(self._associations.record(row, reference.qos, reference.tres))

    def record(self, row: Association) -> Record:
        """Returns one record of /accounts, with the fields of `acctapi.reference_contract.AccountRecord`."""
        of_association = self.association_record(row)
        description, organization = self._texts(row)
        coordinators = self._coordinators(row)
        users = list(dict.fromkeys(user.user for user in self.users(row)))
        return {
            "name": row.acct,
            "parent_account": of_association.pop("parent_account"),
            "level": len(self.path(row)) - 1,
            "id_assoc": of_association.pop("id_assoc"),
            "description": description,
            "organization": organization,
            "flags": ["UsersAreCoords"] if (row.values.get("flags") or 0) & _USERS_ARE_COORDS else [],
            "coordinators": None if coordinators is None else sorted(coordinators),
            "children": [child.acct for child in self.children(row)],
            "users": users,
            "user_count": len(users),
            **{field: value for field, value in of_association.items() if field not in _OF_USERS},
            "effective_limits": list(self._effective(row)),
        }

    def _shows(self, row: Association) -> bool:
        is_of_user = row.user != "" and row.partition not in self._hidden
        return is_of_user and not row.deleted and self._allowed.includes(row)

    def _texts(self, row: Association) -> tuple[str | None, str | None]:
        return self._facts.texts.get(row.acct, (None, None))

    def _coordinators(self, row: Association) -> frozenset[str] | None:
        if self._facts.coordinators is None:
            return None
        found = self._facts.coordinators.get(row.acct, frozenset())
        if not self._scope.hides("users") or row.acct in self._scope.accounts:
            return found
        return found & {self._scope.user}

    def _effective(self, row: Association) -> Iterator[Record]:
        """Yields each limit that holds for jobs of the account, with the account that sets it."""
        ancestry = list(self._associations.with_ancestors(row))
        for limits, is_inherited in ((_GROUP_LIMITS, False), (_INHERITED_LIMITS, True)):
            for name, column, is_tres in limits:
                taken: set[str | None] = set()
                for level in ancestry:
                    for kind, value in self._values(level, column, is_tres=is_tres):
                        if kind not in taken:
                            account = level.acct if self._allowed.shows_account(level.acct) else None
                            yield {"limit": name, "tres": kind, "value": large_count(value), "account": account}
                        if is_inherited:
                            taken.add(kind)

    def _values(self, row: Association, column: str, *, is_tres: bool) -> list[tuple[str | None, int]]:
        value = row.values.get(column)
        if is_tres:
            return list(tres(value, self._facts.reference.tres).items())
        return [] if value is None else [(None, value)]
