"""Converts values of scontrol's job text: durations, sizes, ranges, limits."""

from __future__ import annotations

import re
from typing import Final

from slurm_rest_api.slurmapi.sources.formats import CPU_FREQUENCIES

_ABSENT: Final = frozenset(("", "(null)", "N/A", "None", "Unknown"))
_DURATION: Final = re.compile(r"(?:(\d+)-)?(\d+):(\d+):(\d+)")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)([KMGTPE]?)")
_MEBIBYTES: Final = {"": 1, "K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3, "E": 1024**4}
_FREQUENCIES: Final = {name.replace("HIGHM1", "HIGH-1"): value for name, value in CPU_FREQUENCIES.items()}
_DIGITS: Final = 20
# scontrol prints `sbatch --nodes=1-8:2` as `1,3,5,7`.
_RANGE_END: Final = re.compile(r"[-,]([0-9]+)$")
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}")


def word(text: str | None) -> str | None:
    """Returns a text, None where Slurm prints a word for "not set" (`(null)`, `N/A`)."""
    return None if text is None or text in _ABSENT else text


def number(text: str | None) -> int | None:
    """Returns a whole number. Of a range (`2-4`) it is the first one. None for words."""
    if not text:
        return None
    if text.isdecimal() and len(text) <= _DIGITS:
        return int(text)
    match = _NUMBER.match(text)
    return int(match[0]) if match else None


def range_end(text: str | None) -> int:
    """Returns the last number of a range such as `2-4`, or of a list such as `2-4,6`. 0 for one number."""
    match = _RANGE_END.search(text or "")
    return number(match[1]) or 0 if match else 0


def seconds(text: str | None) -> int | None:
    """Returns the seconds of a duration such as `1-02:03:04`, None for words."""
    match = _DURATION.fullmatch(text) if text else None
    if match is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def mebibytes(text: str | None) -> int | None:
    """Returns the MiB of a size such as `500M` or `1.50G`. convert_num_unit() prints a number of MiB with its unit."""
    match = _SIZE.fullmatch(text) if text else None
    return round(float(match[1]) * _MEBIBYTES[match[2]]) if match else None


def exit_code(text: str | None) -> str:
    """Returns `code:signal`, `0:0` if it is absent."""
    return text or "0:0"


def cpu_frequency(text: str | None) -> int | None:
    """Returns kHz or Slurm's constant (CPU_FREQ_* of slurm.h) for a word such as `Performance`, None if unset."""
    if text is None:
        return None
    return int(text) if text.isdecimal() else _FREQUENCIES.get(text.upper())


def account_name(text: str | None) -> tuple[str | None, int | None]:
    """Splits `alice(2001)` into the name and the id."""
    name, _, rest = (text or "").rpartition("(")
    return name or None, number(rest.removesuffix(")"))
