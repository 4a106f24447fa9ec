"""Values of Slurm's texts: times, durations, counts and lists, as squeue, sinfo and scontrol print them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

_UNSET: Final = ("", "(null)", "N/A", "n/a", "NA", "None", "Unknown", "NotSet")
_MIB: Final = {"": 1, "M": 1, "G": 1024, "T": 1024 * 1024}


def word(text: str) -> str | None:
    """Returns a text, or None for Slurm's words for nothing."""
    return None if text in _UNSET else text


def number(text: str) -> int | None:
    """Returns a number, or None for Slurm's words for nothing. `*` is no limit."""
    return None if text in _UNSET or text == "*" else int(text)


def number_or_0(text: str) -> int:
    """Returns a number, 0 for Slurm's words for nothing."""
    return number(text) or 0


def split(text: str) -> list[str]:
    """Returns the parts of a comma-separated text."""
    return text.split(",") if word(text) else []


def epoch(text: str) -> int:
    """Returns the epoch seconds of a time in the root's time zone (UTC), 0 if there is none."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) if text[:1].isdigit() else 0


def seconds(text: str) -> int:
    """Returns the seconds of `[D-][HH:]MM:SS`."""
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    hours, minutes, rest = [0] * (3 - len(parts)) + parts
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest


def clock(text: str) -> str:
    """Returns a duration as `[D-]HH:MM:SS`, and words as they are."""
    if not text[:1].isdigit():
        return text
    minutes, rest = divmod(seconds(text), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}-" * bool(days) + f"{hours:02}:{minutes:02}:{rest:02}"


def mib(text: str) -> int:
    """Returns the MiB of a size such as `100M`, `1.5G` or `0`."""
    amount, unit = re.fullmatch(r"([\d.]+)([MGT]?)", text).groups()  # type: ignore[union-attr]
    return int(float(amount) * _MIB[unit])


def exit_code(text: str) -> str:
    """Returns `code:signal`. Slurm 22.05's squeue prints the status of wait(2)."""
    return text if ":" in text else f"{int(text) >> 8}:{int(text) & 127}"


def gres(text: str) -> list[str]:
    """Returns `name[:type]:count` for each entry, with plain counts: one without a count is 1, 1K is 1024."""
    entries = []
    for entry in split(re.sub(r"\([^)]*\)", "", text)):
        name, _, last = entry.rpartition(":")
        found = re.fullmatch(r"(\d+)([KMGT]?)", last)
        entries.append(f"{name}:{int(found[1]) * 1024 ** ' KMGT'.index(found[2] or ' ')}" if found else f"{entry}:1")
    return entries


def used(text: str) -> list[str]:
    """Returns the entries of GRES in use as `gres` does, without those of which nothing is in use."""
    return [entry for entry in gres(text) if not entry.endswith(":0")]
