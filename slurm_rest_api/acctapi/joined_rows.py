"""Reads a row as two values: its numbers, and its texts one after the other.

PyMySQL and SQLAlchemy take two microseconds for each text of a row, also for an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Column, Integer, LargeBinary, cast, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import GenericFunction

from slurm_rest_api.acctapi.joined_numbers import joined_numbers, numbers_of

Row = dict[str, Any]


class joined_texts(GenericFunction[bytes]):  # noqa: N801 - a function of SQL has a small letter
    """The bytes of the texts, one after the other. NULL has none."""

    type = LargeBinary()
    inherit_cache = True


@compiles(joined_texts)
def _with_operators(element: joined_texts, compiler: SQLCompiler, **options: Any) -> str:
    """Renders SQL of SQLite, whose `||` makes a text of any bytes."""
    texts = " || ".join(f"coalesce({compiler.process(text, **options)}, '')" for text in element.clauses)
    return f"CAST({texts} AS BLOB)"


@compiles(joined_texts, "mysql", "mariadb")
def _with_concat(element: joined_texts, compiler: SQLCompiler, **options: Any) -> str:
    return f"CONCAT_WS('', {', '.join(compiler.process(text, **options) for text in element.clauses)})"


class JoinedRows:
    """Selects `columns`, which are numbers or texts, and reads their rows.

    The server returns at most `max_allowed_packet` bytes of texts, which is 16 MiB unless it is configured.
    """

    def __init__(self, columns: Iterable[Column[Any]]) -> None:
        columns = list(columns)
        numbers = [column for column in columns if isinstance(column.type, Integer)]
        texts = [column for column in columns if not isinstance(column.type, Integer)]
        stored = [cast(text, LargeBinary) for text in texts]
        self._numbers: Final = [column.name for column in numbers]
        self._texts: Final = [column.name for column in texts]
        self.columns: Final[tuple[ColumnElement[Any], ...]] = (
            joined_numbers(*numbers, *map(func.length, stored)).label("numbers"),
            joined_texts(*stored, type_=LargeBinary()).label("texts"),
        )

    def row(self, numbers: str | bytes, texts: bytes) -> Row:
        """Returns the values of a row by the names of the columns. Undecodable bytes become U+FFFD."""
        values = numbers_of(numbers)
        found: Row = dict(zip(self._numbers, values, strict=False))
        at = 0
        for name, length in zip(self._texts, values[len(self._numbers) :], strict=True):
            if length:
                found[name] = texts[at : at + length].decode(errors="replace")
                at += length
            else:
                found[name] = None if length is None else ""
        return found
