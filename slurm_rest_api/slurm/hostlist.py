"""Converts Slurm's hostlists (`rack[001-003],login1`) to node names and back.

The grammar is that of slurm.conf(5), NodeName, and of hostlist.c: a bracket holds numbers and ranges of numbers,
separated by commas. Names are counted before they are built.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterator
from typing import Final

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

MAX_NAMES: Final = 64 * 1024
"""Maximum node names in one hostlist. Source: MAX_RANGE of Slurm's hostlist.c."""

_MAX_LENGTH: Final = 255
"""Maximum characters of a node name. Source: hostname(7)."""

# Slurm separates names with blanks, too. Here no name has any of these, so a text with one is not a hostlist.
_FOREIGN: Final = frozenset("!&^/@*()%$;|<>\"'\\ \t\r\n")

# Texts that Slurm prints for "no nodes".
_NO_NODES: Final = frozenset(("", "(null)"))

_RANGE: Final = r"[0-9]{1,255}(?:-[0-9]{1,255})?"
_PIECE: Final = re.compile(rf"(?P<text>[^\[\],]+)|\[(?P<ranges>{_RANGE}(?:,{_RANGE})*)\]|(?P<end>,)")
_DIGITS: Final = re.compile(r"([0-9]+)")

_Ranges = list[tuple[range, int]]
"""The numbers of a bracket, and the width to which zeros fill them up."""
_Host = list[str | _Ranges]
"""The parts of one term of a hostlist: texts, and brackets between them."""


def expand(text: str | None, most: int = MAX_NAMES) -> list[str]:
    """Returns the node names of a hostlist, each once, in natural order (`n2` before `n10`).

    Leading zeros, any number of brackets, and text after a bracket are allowed. The order can differ from that of the
    text, so do not combine the names with arrays in Slurm's node order.

    Raises:
        ValueError: `text` is not a hostlist, or it has more than `most` names. None of them was built.
    """
    if text is None or text in _NO_NODES:
        return []
    hosts = _parse(text)
    if sum(map(_count, hosts)) > most:
        raise ValueError(f"{_shown(text)} has more than {most:,} node names")
    return sorted(set(itertools.chain.from_iterable(map(_names, hosts))), key=_natural)


def nth(text: str, position: int) -> str | None:
    """Returns the node name at a position from 0 on, in the order of the text. None if it has fewer names.

    Raises:
        ValueError: `text` is not a hostlist, or has more than `MAX_NAMES` names.
    """
    hosts = _parse(text)
    if sum(map(_count, hosts)) > MAX_NAMES:
        raise ValueError(f"{_shown(text)} has more than {MAX_NAMES} names.")
    names = itertools.chain.from_iterable(map(_names, hosts))
    return next(itertools.islice(names, position, None), None)


def count(text: str | None) -> int:
    """Returns an upper bound of the names in a hostlist, without building one: a name may be in it twice.

    Raises:
        ValueError: `text` is not a hostlist.
    """
    return 0 if text is None or text in _NO_NODES else sum(map(_count, _parse(text)))


def subtract(text: str, names: Collection[str]) -> str:
    """Returns the hostlist without `names`, `""` if no name is left, and `text` unchanged if it has none of them.

    Raises:
        ValueError: `text` is not a hostlist, or has more than `MAX_NAMES` names.
    """
    kept = expand(text)
    remaining = [name for name in kept if name not in names]
    if len(remaining) == len(kept):
        return text
    return str(NodeSet.fromlist(remaining, resolver=RESOLVER_NOGROUP))


def _parse(text: str) -> list[_Host]:
    """Splits a hostlist into its terms. The work grows with the length of the text."""
    if not _FOREIGN.isdisjoint(text):
        found = " ".join(sorted(repr(character) for character in _FOREIGN.intersection(text)))
        raise ValueError(f"{_shown(text)} is not a hostlist: node names cannot contain {found}.")
    hosts: list[_Host] = [[]]
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            raise ValueError(
                f"{_shown(text)} is not a hostlist: expected numbers and ranges such as [001-003,7] at"
                f" {_shown(text[position:])}."
            )
        position = piece.end()
        if piece["end"]:
            hosts.append([])
        else:
            hosts[-1].append(piece["text"] or _ranges(piece["ranges"], text))
    for host in hosts:
        if not host:
            raise ValueError(f"{_shown(text)} is not a hostlist: expected names, separated by single commas.")
        if sum(map(_length, host)) > _MAX_LENGTH:
            raise ValueError(f"{_shown(text)} is not a hostlist: a name has more than {_MAX_LENGTH} characters.")
    return hosts


def _ranges(terms: str, text: str) -> _Ranges:
    found = []
    for term in terms.split(","):
        first, _, last = term.partition("-")
        numbers = range(int(first), int(last or first) + 1)
        if not numbers:
            raise ValueError(f"{_shown(text)} is not a hostlist: {_shown(term)} ends before it begins.")
        # As in hostlist.c, the first number of a range says how wide its numbers are.
        found.append((numbers, len(first)))
    return found


def _count(host: _Host) -> int:
    """Returns the number of names of one term. `len` of a range ends at 2^63, the difference of its ends does not."""
    brackets = (part for part in host if not isinstance(part, str))
    return math.prod(sum(numbers.stop - numbers.start for numbers, _ in ranges) for ranges in brackets)


def _length(part: str | _Ranges) -> int:
    """Returns the length of the longest text of one part of a name."""
    if isinstance(part, str):
        return len(part)
    return max(max(width, len(str(numbers.stop - 1))) for numbers, width in part)


def _names(host: _Host) -> Iterator[str]:
    choices = ([part] if isinstance(part, str) else _numbers(part) for part in host)
    return map("".join, itertools.product(*choices))


def _numbers(ranges: _Ranges) -> list[str]:
    return [f"{number:0{width}}" for numbers, width in ranges for number in numbers]


def _natural(name: str) -> tuple[list[str | int], str]:
    # The pieces are texts and numbers in turn. `n1` and `n01` differ only in their text.
    return [int(piece) if index % 2 else piece for index, piece in enumerate(_DIGITS.split(name))], name


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 100 else f"{text[:100]!r}…"
