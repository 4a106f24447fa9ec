"""A validated list query, translated to store columns."""

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
from slurm_rest_api.web.error_texts import nearest, shown
from slurm_rest_api.web.paging import decode_cursor
from slurm_rest_api.web.text_formats import Format

_CONFLICTS: Final = {
    "count": ("fields", "sort", "limit", "cursor", "shape", "since"),
    "group_by": ("fields", "sort", "limit", "cursor", "since"),
    "since": ("sort", "limit", "cursor", "shape", "format", "run_time"),
}
"""Parameters that cannot be combined with each parameter."""

CursorKey = tuple[Value, ...]
"""The values of the order's columns of the last record of a page. The last value is the record's key."""


@dataclass(frozen=True)
class ListQuery:
    """A request for records of one `kind`.

    `visible` limits it to the rows that the user may see, and `selection` includes this limit. `fields` is None for
    whole records. `aggregates` requests counts and sums in place of records, for each value of `group` if there is one.
    `since` requests the changes after a version, with `clock` also those of clock fields. `hash` is the same for
    requests with the same response.
    """

    kind: Kind
    selection: Selection
    visible: RowFilter
    fields: tuple[str, ...] | None
    as_list: bool
    format: Format
    aggregates: bool
    group: Group | None
    group_name: str | None
    since: str | None
    clock: bool
    hash: str


def has_no_parameters(query: ListParameters) -> bool:
    """Returns True if `query` has no parameter, so that its response is the prepared body."""
    return not query.model_fields_set - {"cache_buster"}


def parse_list_query(kind: Kind, query: ListParameters, where: Condition, visible: RowFilter) -> ListQuery:
    """Translates `query`, whose filters are `where`, to a list query among the `visible` rows.

    Raises:
        BadParameter: a field or order is unknown, the cursor is not valid, or two parameters contradict each other.
    """
    _check_conflicts(query)
    group_name = getattr(query, "group_by", None)
    order = _order(kind, query.sort or ())
    selection = Selection(kind, all_of([visible.where, where]), order, limit=query.limit)
    return ListQuery(
        kind=kind,
        selection=selection if query.cursor is None else _after(selection, query.cursor),
        visible=visible,
        fields=_fields(kind, query),
        as_list=query.shape == "list",
        format=query.format,
        aggregates=query.count or group_name is not None,
        group=RECORD_KINDS[kind].groups[group_name] if group_name else None,
        group_name=group_name,
        since=query.since,
        clock=getattr(query, "clock", False),
        hash=query_hash(query),
    )


def query_hash(query: Any, *more: str) -> str:
    """Returns a short text that is the same for queries with the same meaning, however they are written."""
    text = repr((sorted(query.model_dump(exclude={"cache_buster"}, exclude_unset=True).items()), more))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def cursor_key_of(selection: Selection, key: Sequence[Value]) -> list[Any]:
    """Returns the content of a cursor: the order that it is valid for, and a sort key in it."""
    return [_order_text(selection), *key]


def _fields(kind: Kind, query: ListParameters) -> tuple[str, ...] | None:
    record_kind = RECORD_KINDS[kind]
    if query.fields is not None:
        _check_since(query, record_kind.more_fields)
        return record_kind.chosen(query.fields)
    if query.format == "table":
        return record_kind.table_fields
    return record_kind.fields if query.format in ("csv", "tsv") else None


def _check_since(query: ListParameters, more_fields: Sequence[str]) -> None:
    """Refuses fields with `since` that are no part of a record: they change while the record does not."""
    names = [name for name in query.fields or () if name in more_fields]
    if names and query.since is not None:
        raise BadParameter(
            f"`{names[0]}` cannot be combined with `since`. Leave it out of `fields`.", parameter="fields"
        )


def _order(kind: Kind, sort: Sequence[str]) -> tuple[Order, ...]:
    sortable = RECORD_KINDS[kind].sortable
    found: dict[str, Order] = {}
    for name in sort:
        field = name.removeprefix("-")
        if field not in sortable:
            raise BadParameter(
                f"Invalid `sort`: {shown(name)}.{nearest(field, sortable)} Sortable fields: {', '.join(sortable)}.",
                parameter="sort",
            )
        found.setdefault(field, Order(sortable[field], descending=name.startswith("-")))
    return tuple(found.values())


def _order_text(selection: Selection) -> str:
    return ",".join(f"{'-' if order.descending else ''}{order.column}" for order in selection.orders())


def _after(selection: Selection, cursor: str) -> Selection:
    def read(value: Any) -> CursorKey:
        order, *key = value
        orders = selection.orders()
        if order != _order_text(selection) or len(key) != len(orders):
            raise ValueError
        if not all(part is None or isinstance(part, int | float | str) for part in key) or key[-1] is None:
            raise ValueError
        if any(isinstance(part, int) and abs(part) >= 2**63 for part in key):
            raise ValueError
        return tuple(key)

    after = decode_cursor(cursor, read)
    return Selection(selection.kind, selection.where, selection.order, after, selection.limit)


def _check_conflicts(query: ListParameters) -> None:
    given = query.model_fields_set
    for name, others in _CONFLICTS.items():
        if name not in given or not getattr(query, name):
            continue
        for other in others:
            if other in given and getattr(query, other) not in ("json", "object", None):
                raise BadParameter(f"`{other}` cannot be combined with `{name}`.", parameter=other)
    if getattr(query, "clock", False) and query.since is None:
        raise BadParameter("`clock` needs `since`: the version after which changes are requested.", parameter="clock")
    if query.count and getattr(query, "group_by", None):
        raise BadParameter("`group_by` already counts. Leave `count` out.", parameter="count")
