"""Reads many attributes of an object at once, and the others if one of them fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Generic, TypeVar

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

READ_ERRORS = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError)
"""Errors that properties of pyslurm raise on unexpected data."""


class AttributeReader(Generic[Row]):
    """Reads a fixed list of attributes as one named tuple. An attribute that fails is None.

    `operator.attrgetter` takes a third of the time of single `getattr` calls. If it raises, the attributes are read
    one by one, so that one bad value costs one field and not the record.

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

    def __call__(self, source: object) -> Row:
        """Reads one object. Errors of its attributes are logged once and become None."""
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
            # One line an attribute and process, because thousands of jobs fail in the same way.
            if name not in self._reported:
                self._reported.add(name)
                logger.warning("pyslurm cannot read %s of %r: %r. It is published as unset.", name, source, error)
            return None
