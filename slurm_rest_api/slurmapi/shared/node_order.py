"""Sorts node names so that those of one range are next to each other, and writes many of them as a hostlist.

The collector sorts the names of a load once. A worker then writes each hostlist in some 0.1 microseconds a name.
`NodeSet` takes ten.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_LAST_NUMBER: Final = re.compile(r"(.*?)([0-9]{1,18})([^0-9]*)", re.DOTALL)
_RUN: Final = re.compile(b"\1+")


class _Name(NamedTuple):
    """The texts around the last number of a name, its digits, the number, and its text.

    In the order of these, numbers of one width are next to each other. A name without a number has no digits, and -2.
    """

    before: str
    after: str
    digits: int
    number: int
    text: str


def in_order(names: Iterable[str]) -> list[str | None]:
    """Returns the sorted names, each once, with None after each name whose successor is not in one range with it."""
    found: list[str | None] = []
    last: _Name | None = None
    for name in sorted(set(names), key=_split):
        split = _split(name)
        if last is not None and not _is_next(last, split):
            found.append(None)
        found.append(name)
        last = split
    return found


class _Block(NamedTuple):
    """Names with the same texts around their last number: their first place, and that after the last one.

    A name without a number is a block of its own, in which `before` is the name.
    """

    before: str
    after: str
    is_numbered: bool
    start: int
    end: int


class NodeOrder:
    """The sorted names of all nodes, as `in_order()` returns them, and the place of each name in it."""

    def __init__(self, names: Sequence[str | None]) -> None:
        self.names = names
        self.places = {name: place for place, name in enumerate(names) if name is not None}
        self._numbers = [""] * len(names)
        self._blocks: list[_Block] = []
        # Short steps: there may be 10,000 names.
        around: tuple[str, str, bool] | None = None
        first = last = 0
        for name, place in self.places.items():
            before, after, digits, _, self._numbers[place] = _split(name)
            found = before, after, digits > 0
            if found != around:
                if around is not None:
                    self._blocks.append(_Block(*around, first, last + 1))
                around, first = found, place
            last = place
        if around is not None:
            self._blocks.append(_Block(*around, first, last + 1))

    def fold(self, places: Iterable[int]) -> str:
        """Returns the hostlist of the names at some places, `""` for none. The last number of a name is in brackets.

        The first number of a range says how wide its numbers are, as in hostlist.c: `n[8-11]`, `n[08-11]`.
        """
        chosen, numbers = bytearray(len(self.names)), self._numbers
        # Short steps: there may be 10,000 names.
        for place in places:
            chosen[place] = 1
        texts: list[str] = []
        # Names without a number come before the numbered ones that precede them.
        last = ""
        for before, after, is_numbered, start, end in self._blocks:
            runs = [run.span() for run in _RUN.finditer(chosen, start, end)]
            if not runs:
                continue
            if not is_numbered:
                texts.append(before)
                continue
            ranges = [
                numbers[first] if stop == first + 1 else f"{numbers[first]}-{numbers[stop - 1]}" for first, stop in runs
            ]
            is_name = len(ranges) == 1 and "-" not in ranges[0]
            if last:
                texts.append(last)
            last = f"{before}{ranges[0]}{after}" if is_name else f"{before}[{','.join(ranges)}]{after}"
        return ",".join([*texts, last] if last else texts)


def fold(names: Iterable[str]) -> str:
    """Returns the hostlist of `names`, `""` for none."""
    order = NodeOrder(in_order(names))
    return order.fold(order.places.values())


def _is_next(name: _Name, other: _Name) -> bool:
    """Returns True if `other` follows `name` in a range, such as `n10` after `n9`, and `n10` after `n09`."""
    is_same = name.before == other.before and name.after == other.after and name.digits > 0
    is_as_wide = name.digits == other.digits or other.number == 10**name.digits
    return is_same and other.number == name.number + 1 and is_as_wide


@functools.lru_cache(maxsize=32_768)
def _split(name: str) -> _Name:
    match = _LAST_NUMBER.fullmatch(name)
    if match is None:
        return _Name(name, "", 0, -2, "")
    return _Name(match[1], match[3], len(match[2]), int(match[2]), match[2])
