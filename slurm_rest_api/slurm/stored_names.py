"""Spellings of the names of accounts and QOS.

sacctmgr stores these names in small letters. sacctmgr, sacct and sreport turn the names of a query into small letters,
too (slurm_addto_char_list() of src/common/slurm_protocol_defs.c). Other programs may have stored a name as it was
written.
"""

from __future__ import annotations

from collections.abc import Iterable


def spellings(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the names, and each of them with ASCII letters in small, without repetitions."""
    return tuple(dict.fromkeys(spelling for name in names for spelling in (name, in_small_letters(name))))


def in_small_letters(name: str) -> str:
    """Returns the name with ASCII letters in small, as sacctmgr stores it."""
    return name.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
