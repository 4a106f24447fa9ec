"""Numbers the associations of one account or of one user alike, so that SQL groups their records together.

A statement has a table of these numbers as one text, in which the id of an association is the position of its number.
A group is then an account and not an association, and a temporary table of the server has far fewer rows.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Integer, LargeBinary, String, Table, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from slurm_rest_api.acctapi.associations import Associations

Name = Literal["user", "acct"]

_MOST_IDS: Final = 50_000
"""Ids of associations above this one would make a statement longer than 100 KB."""

# In a text the numbers are letters from here on, before the surrogates of UTF-16, which are none.
_FIRST_LETTER: Final = 0x100


@dataclass(frozen=True)
class Numbered:
    """Numbers by the id of an association, from 0 on. `ids` has an id for each number, from 1 on."""

    numbers: Sequence[int]
    ids: Sequence[int]

    @functools.cached_property
    def as_bytes(self) -> bytes:
        """The numbers, each in two bytes."""
        return b"".join(number.to_bytes(2, "big") for number in self.numbers)

    @functools.cached_property
    def as_text(self) -> str:
        """The numbers, each as one letter."""
        return "".join(chr(_FIRST_LETTER + number) for number in self.numbers)

    @functools.cached_property
    def digest(self) -> bytes:
        """A hash of the numbers: rows that were read with equal ones mean the same associations."""
        return hashlib.blake2b(self.as_bytes, digest_size=16).digest()

    def columns(self, job: Table) -> list[ColumnElement[Any]]:
        """Returns the number of a record's association, and the id of one that has none, else NULL."""
        association = job.c.id_assoc
        other = case((association >= len(self.numbers), association))
        numbers, text = literal(self.as_bytes, LargeBinary()), literal(self.as_text, String())
        return [number_at(association, numbers, text), other]

    def association(self, number: int, other: int | None) -> int:
        """Returns the id of an association with the values of `columns`."""
        return self.ids[number - 1] if other is None else other


class AssociationNumbers:
    """Numbers associations by one of their names, and keeps the numbers until the associations are read again."""

    def __init__(self) -> None:
        self._kept: tuple[Associations, dict[Name, Numbered | None]] | None = None

    def of(self, associations: Associations, name: Name) -> Numbered | None:
        """Returns the numbers. Associations without that name have their own. None if there are too many ids."""
        kept = self._kept
        if kept is None or kept[0] is not associations:
            kept = self._kept = associations, {}
        if name not in kept[1]:
            kept[1][name] = _numbered(associations, name)
        return kept[1][name]


def _numbered(associations: Associations, name: Name) -> Numbered | None:
    last = max(associations.ids(), default=0)
    if last > _MOST_IDS:
        return None
    found: dict[str, int] = {}
    numbers, ids = [], []
    for number in range(last + 1):
        association = associations.by_id(number)
        text: str = "" if association is None else getattr(association, name)
        if not text or text not in found:
            ids.append(number)
            if text:
                found[text] = len(ids)
        numbers.append(found[text] if text else len(ids))
    return Numbered(numbers, ids)


class number_at(GenericFunction[int]):  # noqa: N801 - a function of SQL has a small letter
    """The number at a position from 0 on: in bytes of two for each number, or in a text with a letter for each."""

    type = Integer()
    inherit_cache = True


@compiles(number_at)
def _in_text(element: number_at, compiler: SQLCompiler, **options: Any) -> str:
    position, _, text = (compiler.process(part, **options) for part in element.clauses)
    return f"(unicode(substr({text}, {position} + 1, 1)) - {_FIRST_LETTER})"


@compiles(number_at, "mysql", "mariadb")
def _in_bytes(element: number_at, compiler: SQLCompiler, **options: Any) -> str:
    position, numbers, _ = element.clauses
    at = f"{compiler.process(position, **options)} * 2"
    first, second = (f"ASCII(SUBSTR({compiler.process(numbers, **options)}, {at} + {offset}, 1))" for offset in (1, 2))
    return f"({first} * 256 + {second})"
