"""Reads licenses from `scontrol -o show lic`.

Sources: _print_license_info() of src/scontrol/info_lics.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

from slurm_rest_api.slurmapi.sources.commands.key_values import Key, RecordGrammar

ARGUMENTS: Final = ("-o", "show", "lic")
"""Arguments of scontrol."""


class LicenseLayer(TypedDict):
    """The licenses of some nodes: a layer of a resource of resources.yaml, since 25.05.

    Keys:
        nodes: Hostlist.
        mode: Mode, as Slurm's number.
        total, used, free, reserved: As in `LicenseRecord`. Total and free are None without a limit.
    """

    nodes: str
    mode: int | None
    total: int | None
    used: int | None
    free: int | None
    reserved: int | None


class LicenseRecord(TypedDict):
    """One license.

    Keys:
        name: Name, with `@server` for a remote one.
        total: Licenses of the cluster.
        used: Licenses that jobs hold.
        free: Licenses without the used ones and those of `last_deficit`. Reserved ones are free until they are used.
        reserved: Licenses of reservations, None before 20.11.
        remote: True if slurmdbd has it.
        last_consumed, last_deficit: As the license server said, None before 23.02 and for local ones.
        last_update: Epoch seconds of that, None before 23.02 and for local ones.
        layers: Layers of a resource. Its other numbers are their sums. Empty for a license without nodes.
    """

    name: str
    total: int | None
    used: int | None
    free: int | None
    reserved: int | None
    remote: bool
    last_consumed: int | None
    last_deficit: int | None
    last_update: int | None
    layers: list[LicenseLayer]


# INFINITE of slurm.h: the total of a layer without a limit, since 25.05.
_INFINITE: Final = 0xFFFFFFFF

_GRAMMAR: Final = RecordGrammar(
    (
        Key("LicenseName", is_text=True, then=("Total",)),
        *(Key(name) for name in ("Total", "Used", "Free", "Reserved")),
        *(Key(name, ends=True) for name in ("Remote", "Nodes", "Mode", "LastConsumed", "LastDeficit", "LastUpdate")),
    ),
    first="LicenseName",
)


def parse_licenses(lines: Iterable[bytes]) -> Iterator[LicenseRecord]:
    """Yields the licenses of a whole output. `No licenses configured in Slurm.` is no license.

    Raises:
        ValueError: A line is no license.
    """
    found: dict[str, LicenseRecord] = {}
    for line in lines:
        if line.startswith(b"LicenseName="):
            record = _license(line.decode(errors="replace"))
            known = found.setdefault(record["name"], record)
            if known is not record:
                _add(known, record)
    return iter(found.values())


def _license(line: str) -> LicenseRecord:
    a = _GRAMMAR.read(line)
    total, used, free, reserved = (_count(a.number(name)) for name in ("Total", "Used", "Free", "Reserved"))
    nodes = a.word("Nodes")
    layer: LicenseLayer = {
        "nodes": nodes or "",
        "mode": a.number("Mode"),
        "total": total,
        "used": used,
        "free": free,
        "reserved": reserved,
    }
    return {
        "name": a.get("LicenseName") or "",
        "total": total,
        "used": used,
        "free": free,
        "reserved": reserved,
        "remote": a.get("Remote") == "yes",
        "last_consumed": a.number("LastConsumed"),
        "last_deficit": a.number("LastDeficit"),
        "last_update": a.number("LastUpdate"),
        "layers": [layer] if nodes else [],
    }


def _count(number: int | None) -> int | None:
    return None if number == _INFINITE else number


def _add(known: LicenseRecord, record: LicenseRecord) -> None:
    """Adds a further layer to a license."""
    known["layers"] += record["layers"]
    known["total"] = _sum(known["total"], record["total"])
    known["used"] = _sum(known["used"], record["used"])
    known["free"] = _sum(known["free"], record["free"])
    known["reserved"] = _sum(known["reserved"], record["reserved"])


def _sum(first: int | None, second: int | None) -> int | None:
    return second if first is None else first + (second or 0)
