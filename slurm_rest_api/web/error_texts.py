"""Texts for errors about what a client sent. None grows with the request: the first few values, and how many more."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

MAX_SHOWN: Final = 200
"""Most characters of a client's value in an error message."""

FEW: Final = 3
"""Most faults of one request that are explained. The number of the others follows them."""

_LONGEST_TYPO: Final = 64
"""Most characters of a name that is compared with the known ones. None of them is longer."""


def shown(value: Any) -> str:
    """Returns the `repr()` of a value, cut at `MAX_SHOWN` characters. The elements of a list are joined by commas."""
    if isinstance(value, list | tuple):
        # A few more characters than are shown: no element is rendered in vain.
        text = ", ".join(repr(_beginning(part)) for part in value[:MAX_SHOWN])
    else:
        text = repr(_beginning(value))
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def cut(text: str) -> str:
    """Returns a text of a client, cut at `MAX_SHOWN` characters."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def first_few(names: Sequence[str], explain: Callable[[str], str]) -> str:
    """Returns the explanations of the first `FEW` names, and how many more names there are."""
    more = f" And {len(names) - FEW:,} more." if len(names) > FEW else ""
    return " ".join(map(explain, names[:FEW])) + more


def nearest(name: str, known: Collection[str]) -> str:
    """Returns ` Did you mean `x`?`, with a leading space, or an empty text if no known name is similar."""
    if len(name) > _LONGEST_TYPO:
        return ""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean `{near[0]}`?" if near else ""


def _beginning(value: Any) -> Any:
    return value[: MAX_SHOWN + 1] if isinstance(value, str) else value
