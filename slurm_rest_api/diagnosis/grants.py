"""Reads the answer of SHOW GRANTS: which of its rights the account does not need. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<scope>\S+) TO ", re.IGNORECASE)
_COLUMNS = re.compile(r"\([^)]*\)")
_NEEDED: Final = {"SELECT", "USAGE"}
_WITH_GRANT: Final = "WITH GRANT OPTION"


def surplus(grants: Iterable[str], database: str) -> list[str]:
    """What the account may do beyond reading single tables of `database`, one phrase each: `INSERT on slurm.*`.

    A phrase holds rights and names only: MariaDB's answer has the hash of the password in it.
    """
    found: list[str] = []
    for grant in grants:
        match = _GRANT.match(grant)
        # A line without ON gives a role, whose rights stand in lines of their own.
        if match is None:
            continue
        scope = match["scope"].replace("`", "").replace("\\", "")
        rights = [right.strip().upper() for right in _COLUMNS.sub("", match["rights"]).split(",")]
        if grant.upper().rstrip().endswith(_WITH_GRANT):
            rights.append("GRANT OPTION")
        too_wide = scope == "*.*" or scope.endswith(".*") or not scope.startswith(f"{database}.")
        found += [f"{right} on {scope}" for right in rights if right not in _NEEDED or (right == "SELECT" and too_wide)]
    return found
