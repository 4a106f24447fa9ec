"""Looks up names of users and groups on this host, each at most once an hour."""

from __future__ import annotations

import grp
import pwd
import time
from collections.abc import Callable

LIFE_SECONDS = 3600.0

# Most names that the cache holds, because clients send any. A uid has 32 bits.
_MAX_NAMES = 10_000
_MAX_DIGITS = 10


class UserNames:
    """Translates ids to names and user names to ids. The name of an unknown id is its number.

    A lookup may go to LDAP or SSSD and take milliseconds, so all results are cached, unknown ids and names included.

    Args:
        user_name: Returns the login name of a uid. KeyError for an unknown one.
        group_name: Returns the name of a gid. KeyError for an unknown one.
        user_id: Returns the uid of a login name. KeyError for an unknown one.
        clock: Monotonic seconds.
        life_seconds: Lifetime of the cache.
    """

    def __init__(
        self,
        user_name: Callable[[int], str] = lambda uid: pwd.getpwuid(uid).pw_name,
        group_name: Callable[[int], str] = lambda gid: grp.getgrgid(gid).gr_name,
        user_id: Callable[[str], int] = lambda name: pwd.getpwnam(name).pw_uid,
        clock: Callable[[], float] = time.monotonic,
        life_seconds: float = LIFE_SECONDS,
    ) -> None:
        self._user_name = user_name
        self._group_name = group_name
        self._user_id = user_id
        self._clock = clock
        self._life_seconds = life_seconds
        self._users: dict[int, str] = {}
        self._groups: dict[int, str] = {}
        self._ids: dict[str, int | None] = {}
        self._expires = clock() + life_seconds

    def expire(self) -> None:
        """Empties the cache after its lifetime. Called once a load, because reading the clock for each name is slow."""
        now = self._clock()
        if now >= self._expires:
            self._users.clear()
            self._groups.clear()
            self._ids.clear()
            self._expires = now + self._life_seconds

    def user(self, uid: int) -> str:
        """Returns the login name of a uid, or the uid as text."""
        name = self._users.get(uid)
        if name is None:
            name = self._users[uid] = _look_up(self._user_name, uid)
        return name

    def group(self, gid: int) -> str:
        """Returns the name of a gid, or the gid as text."""
        name = self._groups.get(gid)
        if name is None:
            name = self._groups[gid] = _look_up(self._group_name, gid)
        return name

    def uid_of(self, name: str | None) -> int | None:
        """Returns the uid of a login name or of a number as text, None for an unknown name."""
        if not name:
            return None
        if name not in self._ids:
            if len(self._ids) >= _MAX_NAMES:
                self._ids.clear()
            try:
                self._ids[name] = self._user_id(name)
            except (KeyError, OSError, ValueError):
                # `pwd` raises ValueError for a name with a NUL character, which no user has.
                self._ids[name] = int(name) if _is_number(name) else None
        return self._ids[name]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= _MAX_DIGITS


def _look_up(function: Callable[[int], str], number: int) -> str:
    try:
        # `pwd` decodes bytes that are not UTF-8 to lone surrogates (PEP 383), which JSON cannot hold.
        return function(number).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except (KeyError, OSError, OverflowError):
        return str(number)
