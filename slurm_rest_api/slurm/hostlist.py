"""Converts Slurm's hostlists (`rack[001-003],login1`) to node names and back."""

from __future__ import annotations

import re
from collections.abc import Collection

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

# NodeSet reads `!`, `&` and `^` as set operators, `/` in brackets as a step, and blanks, `@`, `*` and parentheses as
# letters. No name of a Slurm node has any of them, so a text with one is not a hostlist.
_FOREIGN = frozenset("!&^/@*()%$;|<>\"'\\ \t\r\n")

# Texts that Slurm prints for "no nodes".
_NO_NODES = frozenset(("", "(null)"))

_BRACKET = re.compile(r"\[([^\]]*)\]")


def expand(text: str | None) -> list[str]:
    """Returns the node names of a hostlist, each once, in natural order (`n2` before `n10`).

    Leading zeros, any number of brackets, and text after a bracket are allowed. The order can differ from that of the
    text, so do not combine the names with arrays in Slurm's node order.

    Raises:
        ValueError: `text` is not a hostlist.
    """
    if text is None or text in _NO_NODES:
        return []
    return list(_parse(text))


def expand_at_most(text: str, most: int) -> list[str]:
    """Returns the names of a hostlist from a client. `n[1-999999999]` is refused before its names are built.

    Raises:
        ValueError: `text` is not a hostlist, or it has more than `most` names.
    """
    if _size(text) > most:
        raise ValueError(f"{text!r} has more than {most:,} node names")
    return expand(text)


def _size(text: str) -> int:
    """Returns an upper bound of the number of names: all brackets are multiplied."""
    size = text.count(",") + 1
    for bracket in _BRACKET.findall(text):
        size *= sum(_length(*term.partition("-")[::2]) for term in bracket.split(","))
    return size


def _length(first: str, last: str) -> int:
    return int(last) - int(first) + 1 if first.isdecimal() and last.isdecimal() else 1


def subtract(text: str, names: Collection[str]) -> str:
    """Returns the hostlist without `names`, `""` if no name is left, and `text` unchanged if it has none of them.

    Raises:
        ValueError: `text` is not a hostlist.
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
