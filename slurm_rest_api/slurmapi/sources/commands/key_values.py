"""Splits scontrol's one-line records (`Key=value Key=value`), in which values may be free text.

A text may contain anything, ` State=DOWN` too. scontrol prints its keys in one order in every release. So a text is
read in every way that this order allows. A value is certain if all ways agree on it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_MOST_MARKS: Final = 200
"""Places with ` Key=` that are compared. A record has about 40, a hostile text may have any number."""

_END: Final = -1
_DURATION: Final = re.compile(r"(?:(\d{1,9})-)?(\d{2}):(\d{2}):(\d{2})", re.ASCII)
_KEY: Final = re.compile(r"(?:^| )([A-Za-z_]+)=")
_UNKNOWN: Final = re.compile(r"[A-Za-z_]\w*=[^ ]*")


def joined_lines(lines: Iterable[bytes], head: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yields one line for each record. A line that `head` does not match belongs to a text with a newline."""
    parts: list[bytes] = []
    for line in lines:
        if head.match(line):
            if parts:
                yield b"\n".join(parts)
            parts = [line]
        elif parts:
            parts.append(line)
    if parts:
        yield b"\n".join(parts)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record.

    Attributes:
        name: The key as scontrol prints it.
        is_text: True if the value may contain blanks.
        then: Keys that may follow a text, all later ones if empty. A release prints one of them for certain.
        ends: True if the record may end with this key.
        accepts: Returns False for a text that the key cannot have.
    """

    name: str
    is_text: bool = False
    then: tuple[str, ...] = ()
    ends: bool = False
    accepts: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of one record.

    Attributes:
        values: Certain values by key. A key that the release does not print is absent.
        doubtful: Keys for which the line can be read in two ways.
    """

    values: dict[str, str] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()

    def get(self, *keys: str) -> str | None:
        """Returns the value of the first key that has one, None if no key has one or Slurm says `(null)`."""
        for key in keys:
            value = self.values.get(key)
            if value is not None:
                return None if value == "(null)" else value
        return None

    def word(self, *keys: str) -> str | None:
        """Returns the value as `get`, None for `N/A` and the empty value too."""
        value = self.get(*keys)
        return None if value in ("", "N/A") else value

    def number(self, *keys: str) -> int | None:
        """Returns a whole number, None for a word."""
        return whole_number(self.get(*keys))


def whole_number(text: str | None) -> int | None:
    """Returns a number of decimal digits below 2^53. None for other texts, such as `N/A`, `n/s` and `Unknown`."""
    if text is None or not text.isdecimal() or not text.isascii() or len(text) > 16:
        return None
    number = int(text)
    return number if number < 2**53 else None


def seconds_of(text: str | None) -> int | None:
    """Returns the seconds of `[D-]HH:MM:SS` (secs2time_str of parse_time.c). None for other texts."""
    match = _DURATION.fullmatch(text or "")
    if match is None:
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class RecordGrammar:
    """The keys of a record, or of a part of it, in the order in which every release prints them.

    Args:
        keys: The keys.
        first: The key that opens the text, None if any key may.
    """

    def __init__(self, keys: Iterable[Key], first: str | None = None) -> None:
        self._keys = tuple(keys)
        self._order = {key.name: index for index, key in enumerate(self._keys)}
        self._first = None if first is None else self._order[first]
        self._then = [
            frozenset(self._order[name] for name in key.then) or frozenset(range(index + 1, len(self._keys)))
            for index, key in enumerate(self._keys)
        ]

    def read(self, text: str) -> Reading:
        """Returns the values of a text, which may begin with unknown keys if any key may open it.

        Raises:
            ValueError: The text cannot be read in any way.
        """
        order = self._order
        marks = [(m.start(), m.end(), order[m[1]]) for m in _KEY.finditer(text) if m[1] in order]
        if (values := self._in_sequence(text, marks)) is not None:
            return Reading(values)
        is_cut = len(marks) > _MOST_MARKS
        del marks[_MOST_MARKS:]
        at = {mark[_START]: index for index, mark in enumerate(marks)}
        opening = at.get(_after_unknown(text, 0, at)) if self._first is None else at.get(0)
        if opening is None or self._first not in (None, marks[opening][_ORDER]):
            raise ValueError(f"expected the keys of a record: {text[:40]!r}")
        successors = self._successors(text, marks, at)
        if not successors[opening]:
            raise ValueError(f"expected the keys of a record in Slurm's order: {text[:40]!r}")
        reading = self._only_way(text, marks, successors, opening) or self._common(text, marks, successors, opening)
        if not is_cut:
            return reading
        doubtful = {key.name for key in self._keys if key.is_text}
        certain = {name: value for name, value in reading.values.items() if name not in doubtful}
        return Reading(certain, reading.doubtful | doubtful)

    def _in_sequence(self, text: str, marks: Sequence[_Mark]) -> dict[str, str] | None:
        """Returns the values if every key is there once, in order, and no text can reach beyond the next key.

        This is the usual record. It needs no comparison of ways. None for any other record.
        """
        if not marks or marks[0][_START] or (self._first is not None and marks[0][_ORDER] != self._first):
            return None
        values = {}
        last = len(marks) - 1
        for index, (_, value, order) in enumerate(marks):
            key = self._keys[order]
            if index == last:
                found = text[value:]
                if not key.ends:
                    return None
            else:
                following = marks[index + 1]
                if following[_ORDER] <= order:
                    return None
                found = text[value : following[_START]]
            if not key.is_text:
                found = found.rstrip(" ")
                if " " in found:
                    return None
            elif not key.then or self._after_text(text, marks, index) != [index + 1]:
                return None
            values[key.name] = found
        return values

    def _successors(self, text: str, marks: Sequence[_Mark], at: Mapping[int, int]) -> list[list[int]]:
        """Returns for each mark those marks that can follow it on a way to the end."""
        successors: list[list[int]] = [[] for _ in marks]
        for index in range(len(marks) - 1, -1, -1):
            _, value, order = marks[index]
            key = self._keys[order]
            if key.is_text:
                found = self._after_text(text, marks, index)
            else:
                found = self._after_word(text, marks, at, value, order)
            successors[index] = [following for following in found if following == _END or successors[following]]
        return successors

    def _after_word(
        self, text: str, marks: Sequence[_Mark], at: Mapping[int, int], value: int, order: int
    ) -> list[int]:
        end = text.find(" ", value)
        end = _after_unknown(text, len(text) if end < 0 else end, at)
        if end == len(text):
            return [_END] if self._keys[order].ends else []
        following = at.get(end)
        return [following] if following is not None and marks[following][_ORDER] > order else []

    def _after_text(self, text: str, marks: Sequence[_Mark], index: int) -> list[int]:
        order = marks[index][_ORDER]
        key, then = self._keys[order], self._then[order]
        found = [following for following in range(index + 1, len(marks)) if marks[following][_ORDER] in then]
        if key.ends:
            found.append(_END)
        if key.accepts is None:
            return found
        return [following for following in found if key.accepts(self._value(text, marks, index, following))]

    def _value(self, text: str, marks: Sequence[_Mark], index: int, following: int) -> str:
        _, value, order = marks[index]
        end = len(text) if following == _END else marks[following][_START]
        found = text[value:end]
        # Keys of later releases follow a word.
        return found if self._keys[order].is_text else found.partition(" ")[0]

    def _only_way(
        self, text: str, marks: Sequence[_Mark], successors: Sequence[list[int]], opening: int
    ) -> Reading | None:
        """Returns the values if there is one way through the marks."""
        values = {}
        index = opening
        while index != _END:
            if len(successors[index]) > 1:
                return None
            (following,) = successors[index]
            values[self._keys[marks[index][_ORDER]].name] = self._value(text, marks, index, following)
            index = following
        return Reading(values)

    def _common(self, text: str, marks: Sequence[_Mark], successors: Sequence[list[int]], opening: int) -> Reading:
        """Returns the values that are the same on all ways, by the number of ways through each mark."""
        # The last item is the end of the text, which has the index _END.
        from_here = [0] * len(marks) + [1]
        for index in range(len(marks) - 1, -1, -1):
            from_here[index] = sum(from_here[following] for following in successors[index])
        to_here = [0] * (len(marks) + 1)
        to_here[opening] = 1
        ways: dict[str, Counter[str]] = defaultdict(Counter)
        for index, following_marks in enumerate(successors):
            name = self._keys[marks[index][_ORDER]].name
            for following in following_marks if to_here[index] else ():
                to_here[following] += to_here[index]
                value = self._value(text, marks, index, following)
                ways[name][value] += to_here[index] * from_here[following]
        values = {
            name: value
            for name, counts in ways.items()
            for value, count in counts.items()
            if count == from_here[opening]
        }
        return Reading(values, frozenset(ways.keys() - values.keys()))


_Mark = tuple[int, int, int]
"""A place where ` Key=` is: the positions of the blank and of the value, and the key's place in the order."""

_START: Final = 0
_ORDER: Final = 2


def _after_unknown(text: str, position: int, at: Mapping[int, int]) -> int:
    """Returns the position of the next mark or the end, after blanks and keys of later releases.

    Returns another position if something else is there.
    """
    while position not in at and position < len(text):
        blank = position
        while text.startswith(" ", blank + 1):
            blank += 1
        if blank in at:
            return blank
        unknown = _UNKNOWN.match(text, blank + 1)
        if unknown is None:
            return len(text) if not text[blank:].strip(" ") else blank
        position = unknown.end()
    return position
