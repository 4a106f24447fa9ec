"""Row-level visibility of a user, following Slurm's PrivateData.

The store's conditions, the SQL of /history and /users, and the fields of /usage, /stats and /metrics follow from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.auth.principal import Principal

Coordinated = Callable[[str], Collection[str]]
"""Returns the accounts that a user coordinates, including their sub-accounts. Empty if they cannot be read."""

_OWNED: Final = frozenset(("jobs", "usage", "users", "accounts", "reservations"))
"""Private data with owners: users still see their own records and those of accounts that they coordinate."""


@dataclass(frozen=True)
class DataScope:
    """The data that `user` may see.

    `private` holds the words of PrivateData that apply to them, `accounts` the accounts that they coordinate,
    `member_of` the accounts that they run under, with those above them. `member_of` is read for private reservations
    alone.
    """

    private: frozenset[str] = frozenset()
    user: str = ""
    accounts: frozenset[str] = frozenset()
    member_of: frozenset[str] = frozenset()

    def hides(self, *words: str) -> bool:
        """Returns True if one of `words` is private for this user."""
        return not self.private.isdisjoint(words)

    @property
    def cache_key(self) -> str:
        """A short text, equal only for scopes that show the same data. Empty for one that shows everything."""
        if not self.private:
            return ""
        text = repr((sorted(self.private), self.user, sorted(self.accounts), sorted(self.member_of)))
        return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


EVERYTHING: Final = DataScope()


def no_accounts(_user: str) -> Collection[str]:
    """Returns no account, where the accounting database is not read."""
    return ()


def scope_for(
    principal: Principal, private: Collection[str], coordinated: Coordinated, member_of: Coordinated = no_accounts
) -> DataScope:
    """Returns the data scope of `principal` where `private` is private.

    Calls `coordinated` and `member_of`, which returns the accounts that a user runs under, only if they matter.
    """
    if principal.role == "admin" or not private:
        return EVERYTHING
    accounts = frozenset(coordinated(principal.name)) if has_owners(private) else frozenset[str]()
    own = frozenset(member_of(principal.name)) if "reservations" in private else frozenset[str]()
    return DataScope(frozenset(private), principal.name, accounts, own)


def has_owners(private: Collection[str]) -> bool:
    """Returns True if `private` has data of which coordinators of accounts still see a part."""
    return not _OWNED.isdisjoint(private)
