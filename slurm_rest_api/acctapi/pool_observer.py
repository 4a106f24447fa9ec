"""Who wants to know how the accounting database is used: a protocol, and one who does not."""

from __future__ import annotations

from typing import Literal, Protocol

Kind = Literal["pool", "slow", "unavailable", "unusable"]
"""pool: no connection became free in time. slow: a statement passed its limit. unavailable: no answer, or none now.
unusable: it answers, but not to this service."""


class PoolObserver(Protocol):
    """Hears of what happens; called in the thread in which it does."""

    def taken(self, waited_seconds: float) -> None:
        """A connection is in use; so long it took to get it."""

    def given_back(self) -> None:
        """It is not any more."""

    def failed(self, kind: Kind) -> None:
        """A request could not be answered."""


class NullPoolObserver:
    """Hears nothing."""

    def taken(self, waited_seconds: float) -> None:
        """Nothing happens."""

    def given_back(self) -> None:
        """Nothing happens."""

    def failed(self, kind: Kind) -> None:
        """Nothing happens."""
