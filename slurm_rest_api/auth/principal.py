"""The credentials of a request, and the principal that they prove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["admin", "user"]


@dataclass(frozen=True)
class Credentials:
    """The credentials that a request carries. `repr()` leaves the token out.

    `remote_user` comes from the reverse proxy, the other fields from the client.
    """

    token: str | None = field(default=None, repr=False)
    claimed_user: str | None = None
    remote_user: str | None = None


@dataclass(frozen=True)
class Principal:
    """An authenticated client: `name` is a Slurm user, or the name that was given to a token."""

    name: str
    role: Role


Authenticate = Callable[[Credentials], Principal]
"""Returns the principal. Raises Unauthenticated with a message that does not reveal which names or tokens exist."""
