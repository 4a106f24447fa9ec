"""Slurm's hostlist texts (`rack[001-003],login1`) to node names and back; pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

# NodeSet reads `!`, `&` and `^` as set operators, `/` in brackets as a step and takes blanks, `@`, `*` and
# parentheses for letters; no Slurm node name has any of them, so a text with one is no hostlist.
_FOREIGN = frozenset("!&^/@*()%$;|<>\"'\\ \t\r\n")

# What Slurm's own tools and state texts print for "no nodes".
_NO_NODES = frozenset(("", "(null)"))

_BRACKET = re.compile(r"\[([^\]]*)\]")


def expand(text: str | None) -> list[str]:
    """The node names of a hostlist, each once, in natural order (`n2` before `n10`).

    Leading zeros are kept, several brackets and text behind a bracket are understood. The order is not
    that of the text: do not pair it with arrays that Slurm sends in its node order.

    Raises:
        ValueError: `text` is no hostlist.
    """
    if text is None or text in _NO_NODES:
        return []
    return list(_parse(text))


def expand_at_most(text: str, most: int) -> list[str]:
    """As `expand`, for a text that a stranger sent: `n[1-999999999]` is refused before its names are made.

    Raises:
        ValueError: `text` is no hostlist, or has (nearly) more than `most` names.
    """
    if _size(text) > most:
        raise ValueError(f"{text!r} has more than {most:,} node names")
    return expand(text)


def _size(text: str) -> int:
    """How many names `text` has, or more, where several of its terms have brackets."""
    size = text.count(",") + 1
    for bracket in _BRACKET.findall(text):
        size *= sum(_length(*term.partition("-")[::2]) for term in bracket.split(","))
    return size


def _length(first: str, last: str) -> int:
    return int(last) - int(first) + 1 if first.isdecimal() and last.isdecimal() else 1


def subtract(text: str, names: Collection[str]) -> str:
    """The hostlist without `names`; `""` when nothing is left, and `text` as it came when it has none of them.

    Raises:
        ValueError: `text` is no hostlist.
    """
    kept = expand(text)
    remaining = [name for name in kept if name not in names]
    if len(remaining) == len(kept):
        return text
    return str(NodeSet.fromlist(remaining, resolver=RESOLVER_NOGROUP))


def _parse(text: str) -> NodeSet:
    if not _FOREIGN.isdisjoint(text):
        found = " ".join(sorted(repr(character) for character in _FOREIGN.intersection(text)))
        raise ValueError(f"{text!r} is not a hostlist: node names cannot contain {found}.")
    try:
        return NodeSet(text, resolver=RESOLVER_NOGROUP)
    except NodeSetException as error:
        raise ValueError(f"{text!r} is not a hostlist: {error}.") from error
