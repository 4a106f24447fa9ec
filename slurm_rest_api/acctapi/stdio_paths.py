"""Expands the patterns in the paths of standard input, output and error: `slurm-%j.out` → `/home/alice/slurm-12.out`.

slurmdbd stores the patterns. The rules are those of sbatch(1), "filename pattern", and of `expand_stdio_fields()` of
src/common/print_fields.c, which `sacct --expand-patterns` uses.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from slurm_rest_api.slurm.hostlist import nth

_PATTERN: Final = re.compile(r"%(?:(?P<percent>%)|(?P<width>[0-9]*)(?P<letter>[AabJjrSsxNntu]))")
_MOST_DIGITS: Final = 10
_LONGEST: Final = 4096
"""Letters of a path, PATH_MAX of Linux. A user may write a pattern that expands to much more."""

# Crockford's alphabet for 5 bits.
_BASE32: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Names(NamedTuple):
    """Values of the patterns for one job or step. None is not known: such a pattern stays.

    `nodes` is a hostlist. `step` is the number of the step, or its name if it is no number. `key` is the primary key of
    the job's record.
    """

    job: int
    array: int | None
    task: int | None
    restarts: int
    key: int
    name: str
    nodes: str | None
    user: str
    directory: str | None
    step: int | str = "batch"

    def node(self) -> str | None:
        """Returns the name of the first node."""
        try:
            return None if self.nodes is None else nth(self.nodes, 0)
        except ValueError:
            # A text that is not a hostlist names no node.
            return None

    def text(self, letter: str) -> str | None:
        """Returns the text for a letter that no width applies to."""
        match letter:
            case "N":
                return self.node()
            case "S":
                return sluid(self.key)
            case "u":
                return self.user
            case _:
                return self.name

    def number(self, letter: str) -> int | None:
        """Returns the number for a letter."""
        match letter:
            case "A":
                return self.array or self.job
            case "a":
                return self.task
            case "b":
                return None if self.task is None else self.task % 10
            case "j":
                return self.job
            case "r":
                return self.restarts
            case _:
                # sacct knows neither the node nor the task that wrote a file, and prints 0.
                return 0


def expand(path: str | None, names: Names) -> str | None:
    """Returns a path with its patterns expanded, below the working directory if it is relative. None if there is none.

    A backslash anywhere turns the patterns off, and is removed. The patterns stay if the path would be longer than
    Linux allows.
    """
    if not path:
        return None
    if not path.startswith("/") and names.directory:
        directory = names.directory if names.directory.endswith("/") else f"{names.directory}/"
    else:
        directory = ""
    if "\\" in path:
        return directory + path.replace("\\", "")
    if len(path) > _LONGEST or "%" not in path:
        return directory + path
    expanded = directory + _PATTERN.sub(lambda found: _expansion(found, names), path)
    return expanded if len(expanded) <= _LONGEST else directory + path


def _expansion(found: re.Match[str], names: Names) -> str:
    percent, digits, letter = found.groups()
    if percent:
        return "%"
    width = min(int(digits or 0), _MOST_DIGITS)
    text: str | None
    if letter in "xNuS":
        text = names.text(letter)
    elif letter in "Js":
        text = _of_step(letter, width, names)
    else:
        number = names.number(letter)
        text = None if number is None else str(number).zfill(width)
    return found[0] if text is None else text


def _of_step(letter: str, width: int, names: Names) -> str:
    """Returns the id of the job and its step, or of the step alone. The batch step has no number."""
    job = f"{names.job:0{width}}"
    if isinstance(names.step, str):
        return job if letter == "J" else names.step
    return f"{job}.{names.step}" if letter == "J" else f"{names.step:0{width}}"


def sluid(key: int) -> str:
    """Returns the text of a SLUID: `s` and 13 digits of 5 bits. Source: `print_sluid()` of src/common/sluid.c."""
    return "s" + "".join(_BASE32[key >> 5 * place & 31] for place in reversed(range(13)))
