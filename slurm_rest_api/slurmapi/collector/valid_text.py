"""Replaces text that is no valid Unicode, so that one record cannot end every load.

Python decodes bytes that are not UTF-8 to lone surrogates (U+D800 to U+DFFF, PEP 383), for example in names of users.
JSON, UTF-8 and SQLite cannot hold them.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import orjson

Value = TypeVar("Value")

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Renderer:
    """Renders the records of one load as JSON. `replaced` is the number of records in which text was replaced."""

    def __init__(self) -> None:
        self.replaced = 0

    def render(self, record: Value) -> tuple[Value, bytes]:
        """Returns `record` with valid text only, and its JSON.

        Raises:
            TypeError: it has a value that JSON cannot hold.
        """
        try:
            return record, orjson.dumps(record)
        except TypeError:
            # Rare, so valid records are not searched.
            valid = valid_text(record)
            body = orjson.dumps(valid)
            self.replaced += 1
            return valid, body


def valid_text(value: Value) -> Value:
    """Returns `value` with each lone surrogate in its texts and keys replaced by U+FFFD."""
    replaced: Any = value
    if isinstance(value, str):
        replaced = _SURROGATES.sub("\ufffd", value)
    elif isinstance(value, dict):
        replaced = {valid_text(key): valid_text(item) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        replaced = [valid_text(item) for item in value]
    return replaced  # type: ignore[no-any-return]
