"""Assigns the associations and workload keys that a user may see to the groups of /utilization.

If PrivateData has usage or users, Slurm shows the usage of an association to its user, to coordinators of its account
and to operators, and that of a workload key to its user alone (as_mysql_get_usage(), _cluster_get_assocs(),
as_mysql_get_wckeys()).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slurm_rest_api.acctapi.associations import Association, Associations
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.acctapi.usage_parameters import UtilizationParameters
from slurm_rest_api.acctapi.users import VisibleAssociations
from slurm_rest_api.auth.data_scope import DataScope

Names = tuple[str, str, str]
"""Account, user and workload key. Empty where usage is not grouped by it."""


@dataclass(frozen=True)
class UsageGroups:
    """The names of each group with its ids. `qos` has the names of the QOS to read, None if they do not matter.

    `accounts_above` has for each account the accounts whose usage includes its own. None: only its own.
    """

    members: Sequence[tuple[Names, Sequence[int]]]
    qos: Mapping[int, str] | None = None
    accounts_above: Mapping[str, Sequence[str]] | None = None

    def names_of(self, group: int) -> Sequence[Names]:
        """Returns the names under which the usage of a group counts."""
        names = self.members[group][0]
        if self.accounts_above is None:
            return (names,)
        account, user, wckey = names
        return [(above, user, wckey) for above in self.accounts_above[account]]


def association_groups(
    reference: ReferenceData, query: UtilizationParameters, scope: DataScope, hidden: frozenset[str], *, by_qos: bool
) -> UsageGroups:
    """Returns the groups of associations, removed ones included. Those with a partition in `hidden` are left out."""
    grouped = query.group_by or ()
    associations = reference.associations
    view = _View(associations, query, scope)
    members: defaultdict[Names, list[int]] = defaultdict(list)
    for row in associations:
        if row.partition not in hidden and view.includes(row):
            names = (row.acct if "account" in grouped else "", row.user if "user" in grouped else "", "")
            members[names].append(row.id)
    qos = None
    if by_qos:
        keeps_names = "qos" in grouped
        qos = {
            key: name if keeps_names else ""
            for key, name in reference.qos.items()
            if query.qos is None or name in query.qos
        }
    above = None
    if "account" in grouped and "user" not in grouped:
        above = {account: view.accounts_above(account) for account, _, _ in members}
    return UsageGroups(sorted(members.items()), qos, above)


def wckey_users(query: UtilizationParameters, scope: DataScope) -> frozenset[str] | None:
    """Returns the users whose workload keys the filters and the user's rights let through. None: all users."""
    wanted = None if query.user is None else frozenset(query.user)
    if not scope.hides("usage", "users"):
        return wanted
    own = frozenset((scope.user,))
    return own if wanted is None else own & wanted


def wckey_groups(wckeys: Mapping[int, tuple[str, str]], query: UtilizationParameters) -> UsageGroups:
    """Returns the groups of workload keys, whose name and user `wckeys` has by id."""
    grouped = query.group_by or ()
    members: defaultdict[Names, list[int]] = defaultdict(list)
    for number, (name, user) in wckeys.items():
        names = ("", user if "user" in grouped else "", name if "wckey" in grouped else "")
        members[names].append(number)
    return UsageGroups(sorted(members.items()))


class _View:
    """The associations whose usage one request may sum up."""

    def __init__(self, associations: Associations, query: UtilizationParameters, scope: DataScope) -> None:
        self._query = query
        self._scope = scope
        self._visible = VisibleAssociations(scope, associations)
        self._names_users = "user" in (query.group_by or ()) or query.user is not None
        self._own_usage = scope.hides("usage", "users")
        self._own_accounts = scope.accounts | associations.accounts_of_user(scope.user)
        self._ancestry = {
            row.acct: tuple(above.acct for above in associations.with_ancestors(row)) for row in associations.accounts()
        }

    def includes(self, row: Association) -> bool:
        """Returns True if the filters and the user's rights let the usage of an association through."""
        scope, query = self._scope, self._query
        return (
            (not self._own_usage or row.user == scope.user or row.acct in scope.accounts)
            and (not self._names_users or self._visible.includes(row))
            and (query.user is None or row.user in query.user)
            and self._is_within(row.acct)
        )

    def accounts_above(self, account: str) -> list[str]:
        """Returns the account and those above it whose usage the answer has."""
        return [above for above in self._accounts(account) if self._is_within(above) and self._is_shown(above)]

    def _is_within(self, account: str) -> bool:
        wanted = self._query.account
        return wanted is None or any(
            above in wanted and self._visible.shows_account(above) for above in self._accounts(account)
        )

    def _is_shown(self, account: str) -> bool:
        """Returns True if the user may see the account, and the answer would have all of its usage or their own."""
        return self._visible.shows_account(account) and (not self._own_usage or account in self._own_accounts)

    def _accounts(self, account: str) -> Sequence[str]:
        return self._ancestry.get(account, (account,))
