"""What a request asks of one kind of record, checked and in the store's own words; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.slurmapi.query.parameters import ListParameters
from slurm_rest_api.slurmapi.query.record_kinds import RECORD_KINDS, Group
from slurm_rest_api.slurmapi.query.row_access import RowFilter
from slurm_rest_api.slurmapi.store.conditions import Condition, all_of
from slurm_rest_api.slurmapi.store.index_columns import Kind, Value
from slurm_rest_api.slurmapi.store.queries import Order, Selection
from slurm_rest_api.web.name_lists import chosen_fields, nearest
from slurm_rest_api.web.paging import decode_cursor
from slurm_rest_api.web.text_formats import Format

_CONFLICTS: Final = {
    "count": ("fields", "sort", "limit", "cursor", "shape", "since"),
    "group_by": ("fields", "sort", "limit", "cursor", "since"),
    "since": ("sort", "limit", "cursor", "shape", "format"),
}
"""What makes no sense beside each parameter."""


@dataclass(frozen=True)
class ListQuery:
    """A request for records of one kind.

    `fields` is None where each record is wanted as it is. `numbers` asks for counts and sums in place of records, for
    each value of `group` where there is one. `since` is the version after which changes are wanted. `seen` is what
    whoever asks may see at all; `selection` is within it.
    """

    selection: Selection
    seen: RowFilter
    fields: tuple[str, ...] | None
    as_list: bool
    format: Format
    numbers: bool
    group: Group | None
    group_name: str | None
    since: str | None
    wait_seconds: float
    clock: bool
    digest: str

    @property
    def kind(self) -> Kind:
        """What kind of record is asked for."""
        return self.selection.kind


def has_no_parameters(query: ListParameters) -> bool:
    """Whether `query` has no parameter at all: the answer is the one that is prepared."""
    return not query.model_fields_set - {"cache_buster"}


def parse_list_query(kind: Kind, query: ListParameters, where: Condition, seen: RowFilter) -> ListQuery:
    """What `query`, whose filters are `where`, asks for among the records that are `seen`.

    Raises:
        BadParameter: a field or order is unknown, the cursor is not ours, or two parameters contradict each other.
    """
    _check_together(query)
    group_name = getattr(query, "group_by", None)
    order = _order(kind, query.sort or ())
    selection = Selection(kind, all_of([seen.where, where]), order, limit=query.limit)
    return ListQuery(
        selection=selection if query.cursor is None else _from_cursor(selection, query.cursor),
        seen=seen,
        fields=_fields(kind, query),
        as_list=query.shape == "list",
        format=query.format,
        numbers=query.count or group_name is not None,
        group=RECORD_KINDS[kind].groups[group_name] if group_name else None,
        group_name=group_name,
        since=query.since,
        wait_seconds=query.wait,
        clock=getattr(query, "clock", False),
        digest=query_hash(query),
    )


def query_hash(query: Any, *more: str) -> str:
    """A short text that is the same for the same question, however it was written."""
    asked = repr((sorted(query.model_dump(exclude={"cache_buster"}, exclude_unset=True).items()), more))
    return hashlib.blake2b(asked.encode("utf-8", "replace"), digest_size=8).hexdigest()


def cursor_place(selection: Selection, place: Sequence[Value]) -> list[Any]:
    """What a cursor holds: the order that it belongs to, and the place in it."""
    return [_order_text(selection), *place]


def _fields(kind: Kind, query: ListParameters) -> tuple[str, ...] | None:
    entry = RECORD_KINDS[kind]
    if query.fields is not None:
        return chosen_fields(query.fields, entry.fields)
    if query.format == "table":
        return entry.short
    return entry.fields if query.format in ("csv", "tsv") else None


def _order(kind: Kind, sort: Sequence[str]) -> tuple[Order, ...]:
    orders = RECORD_KINDS[kind].orders
    found: dict[str, Order] = {}
    for name in sort:
        field = name.removeprefix("-")
        if field not in orders:
            raise BadParameter(
                f"sort={name!r} is not usable.{nearest(field, orders)} The orders are: {', '.join(orders)}.",
                parameter="sort",
            )
        found.setdefault(field, Order(orders[field], descending=name.startswith("-")))
    return tuple(found.values())


def _order_text(selection: Selection) -> str:
    return ",".join(f"{'-' if order.descending else ''}{order.column}" for order in selection.orders())


def _from_cursor(selection: Selection, cursor: str) -> Selection:
    def read(value: Any) -> tuple[Value, ...]:
        order, *place = value
        orders = selection.orders()
        if order != _order_text(selection) or len(place) != len(orders):
            raise ValueError
        if not all(part is None or isinstance(part, int | float | str) for part in place) or place[-1] is None:
            raise ValueError
        if any(isinstance(part, int) and abs(part) >= 2**63 for part in place):
            raise ValueError
        return tuple(place)

    place = decode_cursor(cursor, read)
    return Selection(selection.kind, selection.where, selection.order, place, selection.limit)


def _check_together(query: ListParameters) -> None:
    given = query.model_fields_set
    for name, others in _CONFLICTS.items():
        if name not in given or not getattr(query, name):
            continue
        for other in others:
            if other in given and getattr(query, other) not in ("json", "object", None):
                raise BadParameter(f"{other} makes no sense together with {name}.", parameter=other)
    for name in ("wait", "clock"):
        if name in given and getattr(query, name) and query.since is None:
            raise BadParameter(f"{name} needs since: the version after which changes are wanted.", parameter=name)
    if query.count and getattr(query, "group_by", None):
        raise BadParameter("group_by already counts; leave count out.", parameter="count")
