"""Version numbers of Slurm and pyslurm, and the release line (major.minor) that ties the two together."""

from __future__ import annotations

import re

Line = tuple[int, int]
"""A release line: (26, 5) is what Slurm calls 26.05 and pyslurm 26.5."""

_NUMBERS = re.compile(r"\d+(?:\.\d+)+")


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version (`25.11.2+local` -> `(25, 11, 2)`).

    Raises ValueError where the text does not begin with at least two numbers.
    """
    match = _NUMBERS.match(version)
    if match is None:
        raise ValueError(f"{version!r} is not a version; expected something like 25.11.2")
    return tuple(int(part) for part in match.group().split("."))


def line_of(version: str) -> Line:
    """Return the release line of a version text; raises ValueError as `numbers_of` does."""
    major, minor = numbers_of(version)[:2]
    return major, minor


def slurm_line_text(line: Line) -> str:
    """Write a line as Slurm does: the month has two digits."""
    return f"{line[0]}.{line[1]:02d}"


def slurm_text(number: int) -> str:
    """Write SLURM_VERSION_NUMBER as Slurm prints it: 0x1a0505 -> `26.05.5`."""
    return f"{slurm_line_text(number_line(number))}.{number & 0xFF}"


def number_line(number: int) -> Line:
    """Return the release line of a SLURM_VERSION_NUMBER (one byte each for major, minor and patch)."""
    return number >> 16 & 0xFF, number >> 8 & 0xFF


def hex_text(line: Line) -> str:
    """Write a line as `--override_pyslurm_version_hex` takes it: (26, 5) -> `0x1a0500`."""
    return f"0x{line[0]:02x}{line[1]:02x}00"
