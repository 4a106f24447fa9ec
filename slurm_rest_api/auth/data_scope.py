"""What of the data a principal sees, in the words of Slurm's PrivateData. Pure.

One object goes down with every question: the store's conditions, the SQL of the accounting routes and the documents
that are shown in part all follow from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.auth.principal import Principal

Coordinated = Callable[[str], Collection[str]]
"""The accounts that a user coordinates, those below them among them; none where that cannot be found out."""

_OWNED: Final = frozenset(("jobs", "usage", "users", "accounts"))
"""Of these a user still sees what is his own, or belongs to an account that he coordinates."""


@dataclass(frozen=True)
class DataScope:
    """`private` are the words that hold for whom this is; `accounts` those that `user` coordinates, if any."""

    private: frozenset[str] = frozenset()
    user: str = ""
    accounts: frozenset[str] = frozenset()

    def hides(self, *words: str) -> bool:
        """Whether one of `words` is private here."""
        return not self.private.isdisjoint(words)

    @property
    def mark(self) -> str:
        """A short text that two sights have in common only if they show the same; empty for one that shows all."""
        if not self.private:
            return ""
        seen = repr((sorted(self.private), self.user, sorted(self.accounts)))
        return hashlib.blake2b(seen.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


EVERYTHING: Final = DataScope()


def scope_for(principal: Principal, private: Collection[str], coordinated: Coordinated) -> DataScope:
    """What `principal` sees where `private` is kept private; `coordinated` is asked only where it matters."""
    if principal.role == "admin" or not private:
        return EVERYTHING
    accounts = frozenset(coordinated(principal.name)) if has_owners(private) else frozenset[str]()
    return DataScope(frozenset(private), principal.name, accounts)


def has_owners(private: Collection[str]) -> bool:
    """Whether something is private of which a coordinator of accounts still sees a part."""
    return not _OWNED.isdisjoint(private)
