"""Associations of a cluster: the accounts that a user may run under, and their limits.

Source: `<cluster>_assoc_table`. A row inherits unset limits from its account's row, that from its parent's, and so on
(slurmdbd's procedure get_parent_limits; `sacctmgr show assoc` prints the result).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from slurm_rest_api.acctapi.encodings import published_tres, tres

Record = dict[str, Any]
Row = Mapping[Any, Any]
"""A row of the table by its column names."""

_SHARES_OF_PARENT: Final = 0x7FFFFFFF
_USERS_ARE_COORDS: Final = 0x10000
"""ASSOC_FLAG_USER_COORD in the column `flags` (24.05 and later) of the row of an account."""

_INHERITED: Final = {
    "max_jobs": "max_jobs",
    "max_jobs_accrue": "max_jobs_accrue",
    "max_submit_jobs": "max_submit_jobs",
    "max_wall": "max_wall_pj",
    "priority": "priority",
    "min_prio_thresh": "min_prio_thresh",
}
_INHERITED_TRES: Final = {
    "max_tres_per_job": "max_tres_pj",
    "max_tres_per_node": "max_tres_pn",
    "max_tres_mins_per_job": "max_tres_mins_pj",
    "max_tres_run_mins": "max_tres_run_mins",
}
_GROUP: Final = {
    "grp_jobs": "grp_jobs",
    "grp_jobs_accrue": "grp_jobs_accrue",
    "grp_submit_jobs": "grp_submit_jobs",
    "grp_wall": "grp_wall",
}
_GROUP_TRES: Final = {
    "grp_tres": "grp_tres",
    "grp_tres_mins": "grp_tres_mins",
    "grp_tres_run_mins": "grp_tres_run_mins",
}


class Association(NamedTuple):
    """One row. `user` is empty in the row of an account. `values` has the columns that hold limits."""

    id: int
    user: str
    acct: str
    partition: str
    deleted: bool
    is_default: bool
    parent_acct: str
    values: Row


def association_of(row: Row) -> Association:
    """Converts a row of the table."""
    return Association(
        id=row["id_assoc"],
        user=row["user"],
        acct=row["acct"],
        partition=row["partition"],
        # Releases until 23.11 use 2 for rows that a transaction is about to remove.
        deleted=row["deleted"] != 0,
        is_default=bool(row["is_def"]),
        parent_acct=row["parent_acct"],
        values=row,
    )


class Associations:
    """All associations, including removed ones that old jobs ran under."""

    def __init__(self, rows: Iterable[Association]) -> None:
        self._by_id: dict[int, Association] = {}
        self._by_user: defaultdict[str, list[int]] = defaultdict(list)
        self._by_acct: defaultdict[str, list[int]] = defaultdict(list)
        self._accounts: dict[str, Association] = {}
        self._defaults: dict[str, str] = {}
        for row in rows:
            self._by_id[row.id] = row
            self._by_acct[row.acct].append(row.id)
            if row.user:
                self._by_user[row.user].append(row.id)
            elif row.acct not in self._accounts or not row.deleted:
                self._accounts[row.acct] = row
            if row.is_default and not row.deleted:
                self._defaults[row.user] = row.acct

    def __iter__(self) -> Iterator[Association]:
        return iter(self._by_id.values())

    def accounts(self) -> Iterable[Association]:
        """Returns the row of each account. That of a removed one has `deleted`."""
        return self._accounts.values()

    def ids(self) -> frozenset[int]:
        """Returns every id."""
        return frozenset(self._by_id)

    def by_id(self, number: int) -> Association | None:
        """Returns the association with an id. None for 0 and for an unknown id."""
        return self._by_id.get(number)

    def ids_of_user(self, user: str) -> frozenset[int]:
        """Returns the ids of all associations of a user."""
        return frozenset(self._by_user.get(user, ()))

    def ids_of_account(self, acct: str) -> frozenset[int]:
        """Returns the ids of all associations with an account, including the account's own row."""
        return frozenset(self._by_acct.get(acct, ()))

    def of_job(self, user: str, acct: str, partition: str | None) -> Association | None:
        """Returns the association that a job runs under: that for its partition, else that for all partitions."""
        rows = [self._by_id[number] for number in self._by_user.get(user, ())]
        found = {row.partition: row for row in rows if row.acct == acct and not row.deleted}
        return found.get(partition or "") or found.get("")

    def partitions_of(self, user: str, acct: str) -> frozenset[str]:
        """Returns the partitions for which a user has an association of its own with an account."""
        rows = (self._by_id[number] for number in self._by_user.get(user, ()))
        return frozenset(row.partition for row in rows if row.acct == acct and row.partition and not row.deleted)

    def accounts_of_user(self, user: str) -> frozenset[str]:
        """Returns the accounts that a user may run under now."""
        rows = (self._by_id[number] for number in self._by_user.get(user, ()))
        return frozenset(row.acct for row in rows if not row.deleted)

    def accounts_and_ancestors(self, user: str) -> frozenset[str]:
        """Returns the accounts that a user may run under now, and all accounts above them."""
        rows = (self._by_id[number] for number in self._by_user.get(user, ()))
        return frozenset(above.acct for row in rows if not row.deleted for above in self.with_ancestors(row))

    def coordinated_by_flag(self) -> Mapping[str, frozenset[str]]:
        """Returns for each user the accounts with the flag UsersAreCoords that they belong to."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for account in self._accounts.values():
            if not account.deleted and (account.values.get("flags") or 0) & _USERS_ARE_COORDS:
                for row in map(self._by_id.__getitem__, self._by_acct[account.acct]):
                    if row.user and not row.deleted:
                        found[row.user].add(account.acct)
        return {user: frozenset(accounts) for user, accounts in found.items()}

    def with_descendants(self, accounts: Iterable[str]) -> frozenset[str]:
        """Returns `accounts` and all accounts below them. Removed accounts are below none."""
        below: defaultdict[str, set[str]] = defaultdict(set)
        for row in self._accounts.values():
            if not row.deleted and row.parent_acct:
                below[row.parent_acct].add(row.acct)
        found = set(accounts)
        waiting = list(found)
        while waiting:
            new = below[waiting.pop()] - found
            found |= new
            waiting += new
        return frozenset(found)

    def record(self, row: Association, qos: Mapping[int, str], tres_names: Mapping[int, str]) -> Record:
        """Returns one record of /users, with the fields of `acctapi.contract.AssociationRecord`."""
        ancestry = list(self.with_ancestors(row))
        return {
            "id_assoc": row.id,
            "user": row.user,
            "acct": row.acct,
            "partition": row.partition or None,
            "default_account": self._defaults.get(row.user),
            "is_default": row.is_default,
            "parent_account": account.parent_acct or None if (account := self._accounts.get(row.acct)) else None,
            "shares": "parent" if row.values["shares"] == _SHARES_OF_PARENT else row.values["shares"],
            "qos": [qos[number] for number in _qos_ids(ancestry) if number in qos],
            "default_qos": qos.get(nearest(ancestry, "def_qos_id") or 0),
            **{field: nearest(ancestry, column) for field, column in _INHERITED.items()},
            **{
                field: published_tres(nearest_tres(ancestry, column, tres_names))
                for field, column in _INHERITED_TRES.items()
            },
            **{field: row.values.get(column) for field, column in _GROUP.items()},
            **{field: published_tres(tres(row.values[column], tres_names)) for field, column in _GROUP_TRES.items()},
            "comment": row.values.get("comment") or None,
            "deleted": row.deleted,
        }

    def with_ancestors(self, row: Association) -> Iterator[Association]:
        """Yields the row, its account's row, that row's parent, up to root."""
        yield row
        acct = row.acct if row.user else row.parent_acct
        seen: set[str] = set()
        # The tree may have a cycle while slurmdbd changes it.
        while acct and acct not in seen and (account := self._accounts.get(acct)):
            yield account
            seen.add(acct)
            acct = account.parent_acct


def nearest(ancestry: Sequence[Association], column: str) -> int | None:
    """Returns the value of the first row that has one. `ancestry` is in the order of `Associations.with_ancestors`."""
    return next((found for row in ancestry if (found := row.values.get(column)) is not None), None)


def nearest_tres(ancestry: Sequence[Association], column: str, names: Mapping[int, str]) -> dict[str, int]:
    """Returns for each TRES the limit of the first row that has one."""
    merged: dict[str, int] = {}
    for row in reversed(ancestry):
        merged.update(tres(row.values[column], names))
    return merged


def _qos_ids(ancestry: list[Association]) -> list[int]:
    """Returns the QOS ids of the nearest row with a list, changed (`+3`, `-1`) by the rows below."""
    changes: list[str] = []
    ids: dict[int, None] = {}
    for row in ancestry:
        changes = [*_parts(row.values["delta_qos"]), *changes]
        if own := _parts(row.values["qos"]):
            ids = {int(part): None for part in own if part.isdecimal()}
            break
    for change in changes:
        if change[:1] == "+" and change[1:].isdecimal():
            ids[int(change[1:])] = None
        elif change[:1] == "-" and change[1:].isdecimal():
            ids.pop(int(change[1:]), None)
    return sorted(ids)


def _parts(packed: bytes | str | None) -> list[str]:
    text = packed.decode("ascii", "replace") if isinstance(packed, bytes) else packed or ""
    return [part for part in text.split(",") if part]
