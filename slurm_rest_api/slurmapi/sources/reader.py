"""Reads many attributes of a foreign object at once, and still reads the others when one of them fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Generic, TypeVar

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

READ_ERRORS = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError)
"""What properties of pyslurm were seen to raise on data that they did not expect."""


class AttributeReader(Generic[Row]):
    """Reads a fixed list of attributes as one named tuple; what cannot be read is None.

    `operator.attrgetter` reads a hundred attributes in a third of the time of a hundred `getattr` calls. When it
    raises, the object is read again attribute by attribute, so that one bad value costs one field and not the record.

    Args:
        kind: The class whose instances are read. Attributes that it lacks (an older pyslurm) are always None.
        names: Attributes, at least two.
        make: Builds the row from the values in the order of the names.
    """

    def __init__(self, kind: type, names: tuple[str, ...], make: Callable[[Iterable[Any]], Row]) -> None:
        self._names = names
        self._make = make
        self._absent = frozenset(name for name in names if not hasattr(kind, name))
        self._present = tuple(name for name in names if name not in self._absent)
        self._read_all = attrgetter(*self._present)
        self._reported: set[str] = set()

    @property
    def absent(self) -> frozenset[str]:
        """Attributes that the class does not have."""
        return self._absent

    def __call__(self, source: object) -> Row:
        """Read one object; never raises for what its attributes do."""
        try:
            values = self._read_all(source)
        except READ_ERRORS:
            return self._make([self._read_one(source, name) for name in self._names])
        if not self._absent:
            return self._make(values)
        known = dict(zip(self._present, values, strict=True))
        return self._make([known.get(name) for name in self._names])

    def _read_one(self, source: object, name: str) -> Any:
        if name in self._absent:
            return None
        try:
            return getattr(source, name)
        except READ_ERRORS as error:
            # One line per attribute and process: thousands of jobs would fail alike.
            if name not in self._reported:
                self._reported.add(name)
                logger.warning("pyslurm cannot read %s of %r: %r; it is published as unset", name, source, error)
            return None
