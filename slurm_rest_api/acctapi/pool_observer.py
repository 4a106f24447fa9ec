"""Who wants to know how the accounting database is used: a protocol, and one who does not."""

from __future__ import annotations

from typing import Literal, Protocol

ErrorKind = Literal["pool", "slow", "unavailable", "unusable"]
"""pool: no connection became free in time. slow: a statement passed its limit. unavailable: no answer, or none now.
unusable: it answers, but not to this service."""


class PoolObserver(Protocol):
    """Hears of what happens; called in the thread in which it does."""

    def checked_out(self, waited_seconds: float) -> None:
        """A connection is in use; so long it took to get it."""

    def checked_in(self) -> None:
        """It is not any more."""

    def failed(self, kind: ErrorKind) -> None:
        """A request could not be answered."""


class NullPoolObserver:
    """Hears nothing."""

    def checked_out(self, waited_seconds: float) -> None:
        """Nothing happens."""

    def checked_in(self) -> None:
        """Nothing happens."""

    def failed(self, kind: ErrorKind) -> None:
        """Nothing happens."""
