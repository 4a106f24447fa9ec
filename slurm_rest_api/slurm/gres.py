"""Generic resources: parses every text in which Slurm writes them, and counts devices.

Sources: `Gres` of slurm.conf(5), `Count` of gres.conf(5). _build_node_gres_str() and gres_used of
src/interfaces/gres.c, details of jobs in src/stepmgr/gres_stepmgr.c. slurm_get_next_tres() and suffix_mult() of
src/common/slurm_protocol_defs.c.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.slurm.sentinels import NO_VAL64


@dataclass(frozen=True, slots=True)
class Gres:
    """One entry of a list of generic resources.

    Attributes:
        name: `gpu`, `shard`, `bandwidth`.
        type: The model, None for an entry without one.
        count: Devices or units; 1 where the text has no count.
        indices: Device numbers of `(IDX:0-1)` as text, None where there are none.
        sockets: Sockets of `(S:0-1)` as text, None where there are none.
        no_consume: True if jobs do not use the resource up.
    """

    name: str
    type: str | None
    count: int
    indices: str | None = None
    sockets: str | None = None
    no_consume: bool = False

    @property
    def key(self) -> str:
        """The name with the type: `gpu:a100`."""
        return self.name if self.type is None else f"{self.name}:{self.type}"

    @property
    def text(self) -> str:
        """The published text, with the count as a plain number: `bandwidth:lustre:no_consume:4294967296`."""
        return f"{self.key}:{_NO_CONSUME}:{self.count}" if self.no_consume else f"{self.key}:{self.count}"


# Slurm's longest count has 20 digits; int() refuses very long ones.
_COUNT: Final = re.compile(r"([0-9]{1,20})([A-Za-z]*)")
_MULTIPLIERS: Final = {"": 1} | {
    letter + end: base**power
    for power, letter in enumerate("kmgtp", start=1)
    for end, base in (("", 1024), ("ib", 1024), ("b", 1000))
}
# An entry reaches to the next comma that is not in parentheses: `shard:4(0/8,4/8)`.
_ENTRY: Final = re.compile(r"(?:[^,(]|\([^)]*\)?)+")
_DETAIL: Final = re.compile(r"\(([^)]*)")
_PREFIX: Final = re.compile(r"gres[/:]")
_NO_CONSUME: Final = "no_consume"
_SHARED: Final = ("mps", "shard")
_LARGEST: Final = 2**53 - 1


def parse_gres(text: str | Iterable[str] | None) -> list[Gres]:
    """Returns the entries of a GRES text, or of a list of such texts.

    `gpu:a100:2(S:0-1)`, `gpu:2(IDX:0,3)`, `gpu:a100(CNT:2)`, `gpu:tesla`, `bandwidth:lustre:no_consume:4G` and
    `gres/gpu:a100=4` are understood. A last part that is a number is the count: `gpu:4090:2` is two devices of the
    model 4090. Entries without a name, or with a count that Slurm refuses, are left out.
    """
    if not text:
        return []
    # A list may have been cut at commas inside parentheses.
    joined = text if isinstance(text, str) else ",".join(text)
    return [gres for entry in _ENTRY.findall(joined) if (gres := _parse(entry)) is not None]


def gres_texts(text: str | None) -> list[str]:
    """Returns the published texts of a GRES text: `gpu:4090:2(S:0),tmp:4K` is `["gpu:4090:2", "tmp:4096"]`."""
    return [gres.text for gres in parse_gres(text)]


def used_gres_texts(text: str | None) -> list[str]:
    """Returns the published texts of a node's GresUsed, without the entries of which nothing is in use.

    `gpu:a100:2(IDX:0-1),shard:0(IDX:N/A)` is `["gpu:a100:2"]`.
    """
    return [gres.text for gres in parse_gres(text) if gres.count]


def gres_counts(text: str | None) -> dict[str, int]:
    """Returns the counts by name and type: of `gpu:a100(CNT:2),gpu:tesla:1(IDX:0)` `{"gpu:a100": 2, "gpu:tesla": 1}`.

    These are what a job holds on a node. An entry that is there more than once is added up.
    """
    counts: dict[str, int] = {}
    for gres in parse_gres(text):
        counts[gres.key] = counts.get(gres.key, 0) + gres.count
    return counts


def parse_tres_gres(tres: str | None) -> list[Gres]:
    """Returns the GRES of a TRES text: of `cpu=4,mem=8G,gres/gpu:a100=2` the last entry."""
    return parse_gres(_gres_of_tres(tres))


def _gres_of_tres(tres: str | None) -> str:
    if not tres or "gres/" not in tres:
        return ""
    return ",".join(entry for entry in tres.split(",") if entry.startswith("gres/"))


def count_devices(entries: Iterable[Gres], name: str = "gpu") -> int:
    """Returns the number of devices with a name, each counted once, at most 2^53 - 1.

    Entries without a type include the devices of those with one, as in `gres/gpu=4,gres/gpu:a100=4`.
    """
    typed = untyped = 0
    for gres in entries:
        if gres.name == name:
            if gres.type is None:
                untyped += gres.count
            else:
                typed += gres.count
    return min(max(typed, untyped), _LARGEST)


def tres_gpus(tres: str | None) -> int:
    """Returns the GPUs of a TRES text: of `cpu=4,gres/gpu=2,gres/gpu:a100=2` 2."""
    # The GRES alone are the key of the cache: they are the same in thousands of jobs, CPUs and memory are not.
    return _text_gpus(_gres_of_tres(tres))


def gres_gpus(gres: Iterable[str] | None) -> int:
    """Returns the GPUs of a list of GRES texts, such as a node's `gres`: `["gpu:tesla:2", "shard:8"]` → 2."""
    return _text_gpus(",".join(gres or ()))


@functools.lru_cache(maxsize=4096)
def _text_gpus(text: str) -> int:
    return count_devices(parse_gres(text))


def gres_spellings(gres: Iterable[str] | None) -> Iterator[str]:
    """Yields the texts by which entries are found: `gpu:a100:2(S:0)` is gpu, gpu:a100 and gpu:a100:2."""
    for entry in _ENTRY.findall(",".join(gres or ())):
        parts = _body(entry).split(":")
        if parts[0]:
            yield from (":".join(parts[:length]) for length in range(1, len(parts) + 1))


def _body(entry: str) -> str:
    """An entry without the prefix `gres/` and without parentheses."""
    return _PREFIX.sub("", entry.partition("(")[0].strip(), count=1)


def _parse(entry: str) -> Gres | None:
    body = _body(entry)
    details = dict(detail.partition(":")[::2] for detail in _DETAIL.findall(entry))
    head, equals, number = body.rpartition("=")
    if equals:
        name, *types = head.split(":")
        count = _count(number)
    else:
        name, *types = body.split(":")
        count = _count(types[-1]) if types else None
        # A last part that is no number is the type, and Slurm counts one device.
        if count is not None and not _is_model(count, name, details):
            types.pop()
        else:
            count = _count_of_details(details)
    if not name or name == "N/A" or count is None or count >= NO_VAL64:
        return None
    kinds = [kind for kind in types if kind.lower() != _NO_CONSUME]
    return Gres(
        name,
        ":".join(kinds) or None,
        count,
        indices=details.get("IDX"),
        sockets=details.get("S"),
        no_consume=len(kinds) < len(types),
    )


def _count(text: str) -> int | None:
    """`4K` → 4096, as suffix_mult() has it: K and KiB are 1024, KB is 1000. None for other texts."""
    match = _COUNT.fullmatch(text)
    multiplier = _MULTIPLIERS.get(match[2].lower()) if match else None
    return None if match is None or multiplier is None else int(match[1]) * multiplier


def _is_model(number: int, name: str, details: dict[str, str]) -> bool:
    """True for a number that is the type: `gpu:4090(CNT:2)`, and `gpu:4090(IDX:0-1)` of jobs in 17.02 to 19.05.

    A count before `(IDX:…)` is the number of indices, except for GRES that share a device.
    """
    if "CNT" in details:
        return True
    return "IDX" in details and name not in _SHARED and number != _count_of_details(details)


def _count_of_details(details: dict[str, str]) -> int | None:
    """`(CNT:2)` → 2, `(IDX:0-1,3)` → 3, and 1 where neither is there."""
    if "CNT" in details:
        return _count(details["CNT"])
    if "IDX" not in details:
        return 1
    total = 0
    for term in details["IDX"].split(","):
        first, _, last = term.partition("-")
        low, high = _count(first), _count(last or first)
        total += 0 if low is None or high is None else max(high - low + 1, 0)
    return total
