"""Names of users and groups on this host, each looked up once an hour at most."""

from __future__ import annotations

import grp
import pwd
import time
from collections.abc import Callable

LIFE_SECONDS = 3600.0


class AccountNames:
    """Translates ids to names and user names to ids; an id that the host does not know is its own name.

    A look-up may go to LDAP or SSSD and take milliseconds, so every answer is kept, the negative ones too.

    Args:
        user_name: Login name of a uid; KeyError for an unknown one.
        group_name: Name of a gid; KeyError for an unknown one.
        user_id: Uid of a login name; KeyError for an unknown one.
        clock: Seconds that never run backwards.
        life_seconds: How long an answer is kept.
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
        """Forget everything once its life is over. Called once a load, because asking the clock per name costs too."""
        now = self._clock()
        if now >= self._expires:
            self._users.clear()
            self._groups.clear()
            self._ids.clear()
            self._expires = now + self._life_seconds

    def user(self, uid: int) -> str:
        """Login name of a uid, or the uid as text."""
        name = self._users.get(uid)
        if name is None:
            name = self._users[uid] = _ask(self._user_name, uid)
        return name

    def group(self, gid: int) -> str:
        """Name of a gid, or the gid as text."""
        name = self._groups.get(gid)
        if name is None:
            name = self._groups[gid] = _ask(self._group_name, gid)
        return name

    def uid_of(self, name: str | None) -> int | None:
        """Uid of a login name, or of a number as text; None for no name or an unknown one."""
        if not name:
            return None
        if name not in self._ids:
            try:
                self._ids[name] = self._user_id(name)
            except (KeyError, OSError, ValueError):
                # No account has a name with a NUL in it, and `pwd` refuses to look for one.
                self._ids[name] = int(name) if name.isdecimal() else None
        return self._ids[name]


def _ask(look_up: Callable[[int], str], number: int) -> str:
    try:
        return look_up(number)
    except (KeyError, OSError, OverflowError):
        return str(number)
