"""Groups of the sums of /history: their columns in SQL, and the names that the values of these columns stand for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, case, literal

from slurm_rest_api.acctapi import encodings, states
from slurm_rest_api.acctapi.association_numbers import AssociationNumbers, Name
from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.records import RecordContext
from slurm_rest_api.acctapi.sums_sql import as_bytes, day_number
from slurm_rest_api.acctapi.utc_offsets import day_text, periods
from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurm.partitions import shown_partitions

Group = tuple[str | None, ...]
"""The names of one group, in the order of `group_by`."""


class Grouping:
    """The columns of the groups `names`, and what they mean in `context`.

    `numbers` makes one group of the associations of an account or a user. `texts_of` are the ids of associations that
    are known to be missing: their records have an account of their own.
    """

    def __init__(
        self,
        job: Table,
        names: Sequence[str],
        filters: Filters,
        context: RecordContext,
        numbers: AssociationNumbers,
        texts_of: Iterable[int] = (),
    ) -> None:
        self._context = context
        self._numbers = numbers
        self._filters = filters
        self._parts: list[tuple[int, Callable[..., Iterable[str | None]]]] = []
        self._texts_of = frozenset(texts_of)
        self.columns: list[ColumnElement[Any]] = []
        self.numbering: list[bytes] = []
        """Hashes of the numbers that stand for associations in `columns`."""
        self._account_at: tuple[int, int] | None = None
        for name in names:
            columns, read = getattr(self, f"_by_{name}")(job)
            if name == "account":
                # All of these columns but the last one are those of the association.
                self._account_at = (len(self.columns), len(self.columns) + len(columns) - 1)
            self._add(columns, read)
        self._group_count = len(self._parts)
        if filters.nodes is not None:
            self._add([as_bytes(job.c.nodelist)], self._ran_there)
        if not filters.is_exact and filters.job_names is not None:
            self._add([as_bytes(job.c.job_name)], self._has_name)

    def groups(self, row: Sequence[Any]) -> Iterator[Group]:
        """Yields the groups of a row whose first values are those of `columns`.

        SQL cannot decide every filter: see `Filters.is_exact`. A row that does not match has no group.
        """
        found: list[Iterable[str | None]] = []
        at = 0
        for width, read in self._parts:
            found.append(read(*row[at : at + width]))
            at += width
        if all(found[self._group_count :]):
            yield from itertools.product(*found[: self._group_count])

    def missing(self, rows: Iterable[Sequence[Any]]) -> frozenset[int]:
        """Returns the ids of associations whose accounts are groups, and that are missing. See `texts_of`."""
        if self._account_at is None:
            return frozenset()
        begin, end = self._account_at
        read = self._association_reader("acct")
        return frozenset(read(*row[begin:end]) for row in rows) - self._context.associations.ids() - self._texts_of

    def _association_columns(self, job: Table, name: Name) -> list[ColumnElement[Any]]:
        numbered = self._numbers.of(self._context.associations, name)
        self.numbering.append(b"" if numbered is None else numbered.digest)
        return [job.c.id_assoc] if numbered is None else numbered.columns(job)

    def _association_reader(self, name: Name) -> Callable[..., int]:
        """Returns the function from the values of `_association_columns` to an id with the same name."""
        numbered = self._numbers.of(self._context.associations, name)
        return int if numbered is None else numbered.association

    def _add(self, columns: list[ColumnElement[Any]], read: Callable[..., Iterable[str | None]]) -> None:
        self.columns += columns
        self._parts.append((len(columns), read))

    def _by_user(self, job: Table) -> Any:
        id_of = self._association_reader("user")

        def read(*values: int) -> Iterable[str]:
            *association, uid = values
            known = self._context.associations.by_id(id_of(*association))
            return [known.user if known and known.user else self._context.user_of(uid)]

        return [*self._association_columns(job, "user"), job.c.id_user], read

    def _by_account(self, job: Table) -> Any:
        id_of = self._association_reader("acct")

        def read(*values: Any) -> Iterable[str | None]:
            *association, text = values
            known = self._context.associations.by_id(id_of(*association))
            return [(known.acct if known else None) or _text(text) or None]

        own: ColumnElement[Any] = literal(None, LargeBinary())
        if self._texts_of:
            own = case((job.c.id_assoc.in_(sorted(self._texts_of)), as_bytes(job.c.account)))
        return [*self._association_columns(job, "acct"), own], read

    def _by_partition(self, job: Table) -> Any:
        def read(text: bytes) -> Iterable[str | None]:
            shown = shown_partitions(_text(text), self._context.hidden)
            # A partition that is named twice counts once.
            return dict.fromkeys(shown.split(",")) if shown else [None]

        return [as_bytes(job.c.partition)], read

    def _by_qos(self, job: Table) -> Any:
        return [job.c.id_qos], lambda number: [self._context.qos.get(number)]

    def _by_state(self, job: Table) -> Any:
        return [job.c.state], lambda number: [states.long_name(number)]

    def _by_job_name(self, job: Table) -> Any:
        return [as_bytes(job.c.job_name)], lambda text: [_text(text)]

    def _by_day(self, job: Table) -> Any:
        filters = self._filters
        bounded = (
            (job.c.time_end, filters.end_after, filters.end_before),
            (job.c.time_start, filters.start_after, filters.start_before),
        )
        column, after = next(
            ((column, after) for column, after, before in bounded if (after, before) != (None, None)),
            (job.c.time_submit, filters.submit_after),
        )
        number = day_number(column, periods(after or 0, filters.now))
        return [number], lambda days: [day_text(int(days))]

    def _ran_there(self, nodelist: bytes | None) -> Iterable[str]:
        try:
            names = expand(encodings.hostlist(_text(nodelist)))
        except ValueError:
            # A text that is not a hostlist names no node.
            return ()
        return (self._filters.nodes or frozenset()).intersection(names)

    def _has_name(self, name: bytes) -> Iterable[str]:
        return (self._filters.job_names or frozenset()).intersection([_text(name) or ""])


def _text(value: bytes | str | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
