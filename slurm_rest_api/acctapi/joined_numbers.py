"""Reads many numbers of a row as one text, because PyMySQL takes about a microsecond for each value of a row."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

_SEPARATOR: Final = ","


class joined_numbers(GenericFunction[str]):  # noqa: N801 - a function of SQL has a small letter
    """The numbers of the columns with commas between them, `""` for NULL: `7,,0`."""

    type = String()
    inherit_cache = True


@compiles(joined_numbers)
def _with_operators(element: joined_numbers, compiler: SQLCompiler, **options: Any) -> str:
    """Renders SQL of SQLite, where concat_ws() is new in 3.44."""
    return f" || '{_SEPARATOR}' || ".join(
        f"coalesce({compiler.process(column, **options)}, '')" for column in element.clauses
    )


@compiles(joined_numbers, "mysql", "mariadb")
def _with_concat(element: joined_numbers, compiler: SQLCompiler, **options: Any) -> str:
    columns = [f"IFNULL({compiler.process(column, **options)}, '')" for column in element.clauses]
    return f"CONCAT_WS('{_SEPARATOR}', {', '.join(columns)})"


def numbers_of(text: str | bytes) -> list[int | None]:
    """Returns the numbers of a `joined_numbers`, None for NULL. Old servers return bytes."""
    found = text if isinstance(text, str) else text.decode("ascii")
    numbers = found.split(_SEPARATOR)
    try:
        return [int(number) if number else None for number in numbers]
    except ValueError:
        # SQLite writes numbers from 2^63 on as 1.8e+19.
        return [int(float(number)) if number else None for number in numbers]


def whole_numbers_of(text: str | bytes) -> list[int]:
    """Returns the numbers of a `joined_numbers` without NULL, in a quarter of the time of `numbers_of`."""
    found: list[int] = orjson.loads(f"[{text}]" if isinstance(text, str) else b"[%b]" % text)
    return found
