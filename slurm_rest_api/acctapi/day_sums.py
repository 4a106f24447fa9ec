"""Reads the totals of a long time window: of past days from memory while no record of them changed.

slurmdbd sets `mod_time` when it changes a record, and a record that it purges is gone. So one statement that counts the
records and adds up these times finds if what is kept is still right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection
from sqlalchemy.exc import DBAPIError

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.db_errors import is_too_slow
from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.kept_sums import KeptDays, KeptSums, KeptTotals, Version
from slurm_rest_api.acctapi.sql import KeyRange
from slurm_rest_api.acctapi.sum_days import DAY, MOST_DAYS, DayWindow, Span, day_window
from slurm_rest_api.acctapi.sum_totals import Keys, TooManyGroups, Totals, add_up, packed, read_totals
from slurm_rest_api.acctapi.sums_sql import MOST_GROUPS, SumQuery, day_number, version_statements
from slurm_rest_api.acctapi.utc_offsets import Period

_SETTLED_SECONDS: Final = 300
"""A record that changed this recently may change again in the same second, and clocks of hosts differ."""

FindKeys = Callable[[Filters], KeyRange]
"""Returns the range of keys of the records that can match."""


class _TooLargeError(Exception):
    """The sums of the days take more memory than one question may."""


class DaySums:
    """Reads totals, and keeps those of past days in at most `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self.kept = KeptSums(most_bytes)

    def totals(
        self, connection: Connection, query: SumQuery, question: Hashable, find_keys: FindKeys, *, waits: bool
    ) -> Totals:
        """Returns the totals of `query`. `question` is what the columns of its groups depend on.

        Raises:
            TooManyGroups: there are more groups than a statement returns.
        """
        window = day_window(query.filters) if "mod_time" in query.job.c else None
        if window is None:
            return read_totals(connection, query, waits=waits)
        reader = _Reader(connection, query, window, find_keys, waits=waits)
        asked = (question, window.word, window.shape(query.filters), query.sums, query.gpus, waits)
        before = self.kept.get(asked)
        if before.too_large:
            return read_totals(connection, query, waits=waits)
        try:
            after, whole = reader.days(before, lambda partly: self.kept.put(asked, partly))
        except (TooManyGroups, _TooLargeError):
            self.kept.put(asked, KeptDays(too_large=True))
            return read_totals(connection, query, waits=waits)
        if after is not before:
            self.kept.put(asked, after)
        return add_up([whole.totals.unpacked(), *reader.rest()])


class _Reader:
    """Reads the parts of one window."""

    def __init__(
        self, connection: Connection, query: SumQuery, window: DayWindow, find_keys: FindKeys, *, waits: bool
    ) -> None:
        self._connection = connection
        self._query = query
        self._window = window
        self._find_keys = find_keys
        self._waits = waits
        column = query.job.c[f"time_{window.word}"]
        self._day = day_number(column, [Period(None, 0)])
        self._keys: dict[Keys, Keys] = {}
        """The keys of the days. Equal keys of further days are the same object, which takes memory once."""

    def rest(self) -> Iterator[Totals]:
        """Yields the totals of the records that belong to no kept sum."""
        window, filters = self._window, self._query.filters
        for part in window.rest(filters):
            yield self._read(self._part(part))
        if window.ended_before is not None:
            whole = self._part(window.within(filters, window.days()))
            yield self._read(dataclasses.replace(whole, ended_before=window.ended_before, others=True))

    def days(self, kept: KeptDays, keep: Callable[[KeptDays], bool]) -> tuple[KeptDays, KeptTotals]:
        """Returns what can be kept, and the totals of all days. Reads the days that `kept` lacks or that changed.

        Calls `keep` with what is read so far. If the time limit ends a statement, the next request goes on there, with
        half of its days at once.

        Raises:
            TooManyGroups: there are more groups than a statement returns.
            _TooLargeError: `keep` returned False.
        """
        window = self._window
        if kept.ended_before != window.ended_before:
            kept = KeptDays(window.ended_before, at_once=kept.at_once)
        is_asked = kept.window == (window.begin, window.end)
        if kept.whole is not None and is_asked and kept.whole.version.is_still(*self._checksum()):
            return kept, kept.whole
        # The versions are read first. A change after them is in the sums, and the next version differs.
        versions = self._versions()
        wanted = {window.span(day): day for day in window.days()}
        known = {
            span: kept.days[span]
            for span, day in wanted.items()
            if span in kept.days and _is(kept.days[span], versions.get(day))
        }
        self._keys = {keys: keys for one in known.values() for keys in one.totals.keys}
        for days in _runs([day for span, day in wanted.items() if span not in known], kept.at_once):
            try:
                known |= self._read_days(days, versions)
            except DBAPIError as error:
                if is_too_slow(error):
                    keep(dataclasses.replace(self._kept(known, kept), at_once=max(1, kept.at_once // 2)))
                raise
            if not keep(self._kept(known, kept)):
                raise _TooLargeError
        whole = _together([known[span] for span in wanted])
        after = self._kept(known, kept)
        if after.days.keys() >= wanted.keys():
            after = dataclasses.replace(after, whole=whole)
        return after, whole

    def _kept(self, known: Mapping[Span, KeptTotals], before: KeptDays) -> KeptDays:
        """Returns the days of `known` that can be kept, with other whole days of `before` if there is room."""
        window = self._window
        days = {span: one for span, one in known.items() if self._can_be_kept(one)}
        others = {
            (begin, end): one
            for (begin, end), one in before.days.items()
            if end - begin == DAY and (begin < window.begin or end > window.end)
        }
        return KeptDays(
            ended_before=window.ended_before,
            days=days | others if len(days) + len(others) <= MOST_DAYS else days,
            window=(window.begin, window.end),
            at_once=before.at_once,
        )

    def _can_be_kept(self, one: KeptTotals) -> bool:
        """Returns False for a day with a record that changed just now, or whose sum depends on the current time."""
        is_settled = one.version.latest < self._query.filters.now - _SETTLED_SECONDS
        return is_settled and not one.has_suspended

    def _checksum(self) -> tuple[int, int]:
        """Returns the records of the window and the sum of their times of change, in less time than `_versions`."""
        records = changes = 0
        for statement in version_statements(self._versioned([]), latest=False):
            for count, changed in self._connection.execute(statement):
                records, changes = records + int(count), changes + int(changed or 0)
        return records, changes

    def _versions(self) -> dict[int, Version]:
        found: dict[int, Version] = {}
        for statement in version_statements(self._versioned([self._day]), latest=True):
            for day, *row in self._connection.execute(statement):
                found[int(day)] = found.get(int(day), Version()).plus(_version_of(*row))
        return found

    def _versioned(self, keys: list[ColumnElement[Any]]) -> SumQuery:
        """Returns the query for versions, which are those of all records of the days: no other filter."""
        window = self._window
        filters = window.within(Filters(now=self._query.filters.now), window.days())
        return dataclasses.replace(self._part(filters), keys=keys, ended_before=window.ended_before)

    def _read_days(self, days: range, versions: Mapping[int, Version]) -> dict[Span, KeptTotals]:
        part = self._part(self._window.within(self._query.filters, days))
        of_days = dataclasses.replace(part, keys=[self._day, *part.keys], ended_before=self._window.ended_before)
        try:
            totals = self._read(of_days)
        except TooManyGroups:
            if len(days) == 1:
                raise
            middle = len(days) // 2
            return self._read_days(days[:middle], versions) | self._read_days(days[middle:], versions)
        found: dict[int, Totals] = {day: {} for day in days}
        for (day, *values), total in totals.items():
            keys = tuple(values)
            found[int(day)][self._keys.setdefault(keys, keys)] = total
        if len(self._keys) > MOST_GROUPS:
            raise TooManyGroups
        return {self._window.span(day): _of_day(versions.get(day, Version()), totals) for day, totals in found.items()}

    def _part(self, filters: Filters) -> SumQuery:
        return dataclasses.replace(self._query, filters=filters, range=self._find_keys(filters))

    def _read(self, query: SumQuery) -> Totals:
        return read_totals(self._connection, query, waits=self._waits)


def _is(kept: KeptTotals, version: Version | None) -> bool:
    return kept.version == (version or Version())


def _version_of(records: int, latest: int | None, changes: int | None) -> Version:
    return Version(int(records), int(latest or 0), int(changes or 0))


def _of_day(version: Version, totals: Totals) -> KeptTotals:
    has_suspended = any(states.SUSPENDED in total.states for total in totals.values())
    return KeptTotals(version, packed(totals), has_suspended)


def _together(days: list[KeptTotals]) -> KeptTotals:
    version = Version()
    for day in days:
        version = version.plus(day.version)
    return KeptTotals(version, packed(add_up(day.totals.unpacked() for day in days)))


def _runs(days: list[int], most: int) -> Iterator[range]:
    """Yields each run of consecutive days, in parts of at most `most` days."""
    first = last = None
    for day in days:
        if first is None or last is None or day > last + 1 or day - first >= most:
            if first is not None and last is not None:
                yield range(first, last + 1)
            first = day
        last = day
    if first is not None and last is not None:
        yield range(first, last + 1)
