"""Who asks: what a request brings along to prove it, and what that proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["admin", "user"]


@dataclass(frozen=True)
class Credentials:
    """What a request says about who sends it. Tokens are never shown, not even by `repr()`.

    `remote_user` is the web server's word, all else the client's.
    """

    token: str | None = field(default=None, repr=False)
    claimed_user: str | None = None
    remote_user: str | None = None


@dataclass(frozen=True)
class Principal:
    """Somebody whose identity is proven: a Slurm user, or the name that was given to a token."""

    name: str
    role: Role


Authenticate = Callable[[Credentials], Principal]
"""Tells who it is. Raises Unauthenticated, whose words say nothing about which names or tokens exist."""
