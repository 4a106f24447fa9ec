"""Reads reservations from `scontrol -o -a show res`.

Sources: slurm_sprint_reservation_info() of src/api/reservation_info.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

from slurm_rest_api.slurmapi.sources.commands.key_values import (
    Key,
    Reading,
    RecordGrammar,
    joined_lines,
    seconds_of,
    whole_number,
)

ARGUMENTS: Final = ("-o", "-a", "show", "res")
"""Arguments of scontrol."""


class ReservationRecord(TypedDict):
    """One reservation.

    A text that can be read in two ways is None.

    Keys:
        name: Name.
        start_time, end_time: Epoch seconds.
        duration: Seconds from start to end.
        state: `ACTIVE` or `INACTIVE` at the time of the reading, on the clock of this host.
        nodes: Hostlist, None without nodes.
        node_cnt, core_cnt: Reserved nodes and cores. The cores may be a part of those of the nodes.
        core_ids: By node the reserved cores, such as `0-1`. Empty if the nodes are reserved as a whole.
        features: Features that nodes must have, `&` and `|` between them.
        partition: Partition of the nodes.
        flags: Flags such as `MAINT`.
        purge_comp_time: Seconds without a job after which Slurm deletes it (PURGE_COMP), None if it does not.
        tres_str: Reserved TRES, such as `cpu=8`.
        allowed_partitions, qos: Who may use it, None before 25.11 and for all. A `-` excludes a name.
        users, groups, accounts: Who may use it, None for no such rule. A `-` excludes a name.
        licenses: Reserved licenses by name.
        burst_buffer: Reserved burst buffers.
        watts: Reserved watts, None since 24.05 and if unset.
        max_start_delay: Seconds, None before 20.02 and if unset.
        comment: Comment of the administrator, None before 23.02.
    """

    name: str
    start_time: int | None
    end_time: int | None
    duration: int | None
    state: str | None
    nodes: str | None
    node_cnt: int
    core_cnt: int
    core_ids: dict[str, str]
    features: str | None
    partition: str | None
    flags: list[str]
    purge_comp_time: int | None
    tres_str: str | None
    allowed_partitions: list[str] | None
    qos: list[str] | None
    users: list[str] | None
    groups: list[str] | None
    accounts: list[str] | None
    licenses: dict[str, int]
    burst_buffer: str | None
    watts: int | None
    max_start_delay: int | None
    comment: str | None


def _is_burst_buffer(text: str) -> bool:
    return " Watts=" not in text


_GRAMMAR: Final = RecordGrammar(
    (
        Key("ReservationName", is_text=True, then=("StartTime",)),
        *(Key(name) for name in ("StartTime", "EndTime", "Duration", "Nodes", "NodeCnt", "CoreCnt")),
        Key("Features", is_text=True, then=("PartitionName",)),
        *(Key(name) for name in ("PartitionName", "Flags", "TRES", "AllowedPartitions", "QOS", "Users")),
        # Groups of a directory service may have blanks.
        Key("Groups", is_text=True, then=("Accounts",)),
        *(Key(name) for name in ("Accounts", "Licenses", "State")),
        Key("BurstBuffer", is_text=True, then=("Watts", "MaxStartDelay"), accepts=_is_burst_buffer),
        *(Key(name, ends=True) for name in ("Watts", "MaxStartDelay")),
        Key("Comment", is_text=True, ends=True),
    ),
    first="ReservationName",
)
_HEAD: Final = re.compile(rb"ReservationName=.* StartTime=\d+ EndTime=\d+ ")
# These two keys repeat, so the grammar lacks them.
_CORES: Final = re.compile(r" NodeName=([^ ]+) CoreIDs=([^ ]+)")
_CORES_PLACE: Final = re.compile(r" Flags=([^ ]*)((?: +NodeName=[^ ]+ CoreIDs=[^ ]+)*) +TRES=")


def parse_reservations(lines: Iterable[bytes]) -> Iterator[ReservationRecord]:
    """Yields the reservations of a whole output. `No reservations in the system` is no reservation.

    Raises:
        ValueError: A line is no reservation.
    """
    return (_reservation(line.decode(errors="replace")) for line in joined_lines(lines, _HEAD))


def _reservation(line: str) -> ReservationRecord:
    a = _GRAMMAR.read(line)
    places = [cores for flags, cores in _CORES_PLACE.findall(line) if flags == a.values.get("Flags")]
    burst_buffer = a.get("BurstBuffer")
    start, end = a.number("StartTime"), a.number("EndTime")
    flags, purge_comp_time = _flags(_names(a, "Flags") or [])
    return {
        "name": a.get("ReservationName") or "",
        "start_time": start,
        "end_time": end,
        "duration": None if start is None or end is None else max(0, end - start),
        "state": a.word("State"),
        "nodes": a.word("Nodes"),
        "node_cnt": a.number("NodeCnt") or 0,
        "core_cnt": a.number("CoreCnt") or 0,
        "core_ids": dict(_CORES.findall(places[0])) if places else {},
        "features": a.word("Features"),
        "partition": a.word("PartitionName"),
        "flags": flags,
        "purge_comp_time": purge_comp_time,
        "tres_str": a.word("TRES"),
        "allowed_partitions": _names(a, "AllowedPartitions"),
        "qos": _names(a, "QOS"),
        "users": _names(a, "Users"),
        "groups": _names(a, "Groups"),
        "accounts": _names(a, "Accounts"),
        "licenses": _licenses(a.word("Licenses")),
        "burst_buffer": burst_buffer.strip(" ") or None if burst_buffer else None,
        "watts": a.number("Watts"),
        "max_start_delay": seconds_of(a.get("MaxStartDelay")),
        "comment": a.get("Comment") or None,
    }


def _names(a: Reading, key: str) -> list[str] | None:
    text = a.word(key)
    return text.split(",") if text else None


def _flags(flags: list[str]) -> tuple[list[str], int | None]:
    """`PURGE_COMP=00:05:00` → the flag without its time, and the time in seconds."""
    purge = next((flag for flag in flags if flag.startswith("PURGE_COMP")), "")
    return [flag.partition("=")[0] for flag in flags], seconds_of(purge.partition("=")[2] or None)


def _licenses(text: str | None) -> dict[str, int]:
    """`matlab:1,ansys` → 1 each."""
    counts = (
        item.rpartition(":") if ":" in item else (item, "", "1") for item in re.split(r"[,;|]", text or "") if item
    )
    return {name: whole_number(count) or 0 for name, _, count in counts}
