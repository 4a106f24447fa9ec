"""Computes the state of reservations now, and the reservations of each node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.hostlists import expand_known
from slurm_rest_api.slurmapi.store.index_columns import IndexRow

NODE_SECONDS: Final = 7 * 86400
"""A node names the reservations that hold it now, or within this time."""


def reservations_at(records: list[Record] | None, now: float) -> list[Record] | None:
    """Returns the reservations with their `state` at epoch second `now`: ACTIVE, UPCOMING or PAST."""
    if records is None:
        return None
    return [{**record, "state": _state(record, now)} for record in records]


def with_reservations(nodes: list[Record], reservations: list[Record] | None, now: float) -> list[Record]:
    """Returns the nodes with `reservations`: the names of those that hold them now or within a week, soonest first.

    A floating reservation (TIME_FLOAT) is among them, although its start moves on: its nodes are in the state RESERVED
    (_set_node_maint_mode() of src/slurmctld/reservation.c). The field is None where the reservations are not known.
    """
    if reservations is None:
        return [{**node, "reservations": None} for node in nodes]
    names: dict[str, list[str]] = {}
    for record in sorted(reservations, key=lambda record: (record["start_time"] or 0, record["name"])):
        is_soon = (record["start_time"] or 0) <= now + NODE_SECONDS or "TIME_FLOAT" in record["flags"]
        if record["state"] != "PAST" and is_soon:
            for node in expand_known(record["nodes"]):
                names.setdefault(node, []).append(record["name"])
    return [{**node, "reservations": names.get(node["name"], [])} for node in nodes]


def partitions_of_nodes(nodes: Iterable[Record]) -> dict[str, list[str]]:
    """Returns the partitions of each node by its name."""
    return {node["name"]: node.get("partitions") or [] for node in nodes}


def reservation_index_row(record: Record, partitions: Mapping[str, list[str]]) -> IndexRow:
    """Returns the columns of a reservation in the order of `COLUMNS["reservations"]`.

    Args:
        record: The reservation.
        partitions: The partitions of each node.
    """
    get, nodes = record.get, expand_known(record["nodes"])
    found = dict.fromkeys(name for node in nodes for name in partitions.get(node, ()))
    if partition := get("partition"):
        found[partition] = None
    return (
        get("state"),
        get("partition"),
        get("start_time"),
        get("end_time"),
        get("duration"),
        get("node_cnt"),
        get("core_cnt"),
        _words(nodes),
        _words(found),
        _words(get("users") or ()),
        _words(get("accounts") or ()),
        _words(get("flags") or ()),
        _words(_viewers(record)),
    )


def _state(record: Record, now: float) -> str:
    start, end = record.get("start_time"), record.get("end_time")
    if end is not None and end <= now:
        return "PAST"
    return "UPCOMING" if start is not None and start > now else "ACTIVE"


def _viewers(record: Record) -> Iterator[str]:
    """Yields words for the users that may use the reservation. `auth` shows it to them where reservations are private.

    `u:alice` is a user, `a:physics` an account, `*` all users. With `-` before it a user or account is excluded, and
    `-a` is there if any account is. With `&` among the words both a user and an account have to match.

    Source: `_validate_user_access` and `_set_assoc_list` of src/slurmctld/reservation.c, Slurm 26.05.
    """
    names = [
        *(("u", name) for name in record.get("users") or ()),
        *(("a", name) for name in record.get("accounts") or ()),
    ]
    allowed = {kind for kind, name in names if not name.startswith("-")}
    if len(allowed) == 2:
        yield "&"
    # The members of groups are not known here, so a reservation of groups is shown to no user.
    if not allowed and not record.get("groups"):
        yield "*"
    if any(kind == "a" and name.startswith("-") for kind, name in names):
        yield "-a"
    for kind, name in names:
        yield f"-{kind}:{name[1:]}" if name.startswith("-") else f"{kind}:{name}"


def _words(words: Iterable[str]) -> str | None:
    joined = ",".join(words)
    return f",{joined}," if joined else None
