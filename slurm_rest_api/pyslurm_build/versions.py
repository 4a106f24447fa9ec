"""Version numbers of Slurm and pyslurm, and their common release line (major.minor)."""

from __future__ import annotations

import re

Line = tuple[int, int]
"""A release line: (26, 5) is Slurm 26.05 and pyslurm 26.5."""

_NUMBERS = re.compile(r"\d+(?:\.\d+)+")


def numbers_of(version: str) -> tuple[int, ...]:
    """Returns the leading numbers of a version (`25.11.2+local` -> `(25, 11, 2)`).

    Raises:
        ValueError: the text does not begin with at least two numbers.
    """
    match = _NUMBERS.match(version)
    if match is None:
        raise ValueError(f"{version!r} is not a version. Expected a version such as 25.11.2.")
    return tuple(int(part) for part in match.group().split("."))


def line_of(version: str) -> Line:
    """Returns the release line of a version. Raises ValueError like `numbers_of`."""
    major, minor = numbers_of(version)[:2]
    return major, minor


def slurm_line_text(line: Line) -> str:
    """Formats a line like Slurm, with a two-digit month: (26, 5) -> `26.05`."""
    return f"{line[0]}.{line[1]:02d}"


def slurm_text(number: int) -> str:
    """Formats SLURM_VERSION_NUMBER like Slurm: 0x1a0505 -> `26.05.5`."""
    return f"{slurm_line_text(number_line(number))}.{number & 0xFF}"


def number_line(number: int) -> Line:
    """Returns the release line of a SLURM_VERSION_NUMBER (one byte each for major, minor and patch)."""
    return number >> 16 & 0xFF, number >> 8 & 0xFF


def hex_text(line: Line) -> str:
    """Formats a line for `--override_pyslurm_version_hex`: (26, 5) -> `0x1a0500`."""
    return f"0x{line[0]:02x}{line[1]:02x}00"
