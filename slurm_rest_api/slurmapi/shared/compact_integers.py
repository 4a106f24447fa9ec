"""A map of integers in little memory, for facts about each job that the loader keeps from load to load."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar, overload

Default = TypeVar("Default")

_LOW_BITS: Final = 32
_LOW_MASK: Final = (1 << _LOW_BITS) - 1


class CompactIntegers(Mapping[int, int]):
    """Maps signed integers of 64 bits to signed integers of 96 bits. It cannot be changed.

    An entry takes 20 bytes, that of a dict some 120. The memory is one piece for all keys and two for all values: the
    objects of a dict lie between those of a load, so that little of what a load frees would return to the system.

    Raises:
        OverflowError: a key or a value has more bits.
    """

    __slots__ = ("_high", "_keys", "_low", "_next")

    def __init__(self, values: Mapping[int, int]) -> None:
        """Copies `values`."""
        keys = sorted(values)
        sorted_values = [values[key] for key in keys]
        self._keys = array("q", keys)
        self._high = array("q", [value >> _LOW_BITS for value in sorted_values])
        self._low = array("I", [value & _LOW_MASK for value in sorted_values])
        # Jobs are read in nearly the same order in each load, so the next key is most often the one after the last.
        self._next = 0

    def __getitem__(self, key: int) -> int:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    @overload
    def get(self, key: int, /) -> int | None: ...
    @overload
    def get(self, key: int, /, default: int | Default) -> int | Default: ...
    def get(self, key: int, /, default: int | Default | None = None) -> int | Default | None:
        """Returns the value of a key, `default` without one. That of `Mapping` takes twice as long."""
        place, keys = self._next, self._keys
        if place >= len(keys) or keys[place] != key:
            place = bisect_left(keys, key)
            if place == len(keys) or keys[place] != key:
                return default
        self._next = place + 1
        return self._high[place] << _LOW_BITS | self._low[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
