"""Reads licenses from `scontrol -o show lic`.

Sources: _print_license_info() of src/scontrol/info_lics.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

from slurm_rest_api.slurmapi.sources.commands.key_values import Key, RecordGrammar

ARGUMENTS: Final = ("-o", "show", "lic")
"""Arguments of scontrol."""


class LicenseRecord(TypedDict):
    """One license, with the names of pyslurm's classic dictionaries.

    A resource with several layers of nodes (resources.yaml, since 25.05) has one record for each layer.

    Keys:
        name: Name, with `@server` for a remote one.
        total: Licenses of the cluster.
        in_use: Licenses that jobs hold.
        available: Licenses that jobs can get.
        reserved: Licenses of reservations, None before 20.11.
        remote: True if slurmdbd has it.
        last_consumed, last_deficit: As the license server said, None before 23.02 and for local ones.
        last_update: Epoch seconds of that, None before 23.02 and for local ones.
        nodes: Hostlist of the layer, None for a license without nodes.
        mode: Mode of the layer, as Slurm's number, None for a license without nodes.
    """

    name: str
    total: int | None
    in_use: int | None
    available: int | None
    reserved: int | None
    remote: bool
    last_consumed: int | None
    last_deficit: int | None
    last_update: int | None
    nodes: str | None
    mode: int | None


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
    return (_license(line.decode(errors="replace")) for line in lines if line.startswith(b"LicenseName="))


def _license(line: str) -> LicenseRecord:
    a = _GRAMMAR.read(line)
    return {
        "name": a.get("LicenseName") or "",
        "total": a.number("Total"),
        "in_use": a.number("Used"),
        "available": a.number("Free"),
        "reserved": a.number("Reserved"),
        "remote": a.get("Remote") == "yes",
        "last_consumed": a.number("LastConsumed"),
        "last_deficit": a.number("LastDeficit"),
        "last_update": a.number("LastUpdate"),
        "nodes": a.word("Nodes"),
        "mode": a.number("Mode"),
    }
