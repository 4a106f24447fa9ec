"""Expands the patterns in the paths of standard input, output and error: `slurm-%j.out` → `/home/alice/slurm-12.out`.

slurmdbd stores the patterns. The rules are those of sbatch(1), "filename pattern", and of `expand_stdio_fields()` of
src/common/print_fields.c, which `sacct --expand-patterns` uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PATTERN: Final = re.compile(r"%(?:(?P<percent>%)|(?P<width>[0-9]*)(?P<letter>[AabJjrSsxNntu]))")
_MOST_DIGITS: Final = 10
_LONGEST: Final = 4096
"""Letters of a path, PATH_MAX of Linux. A user may write a pattern that expands to much more."""

# Crockford's alphabet for 5 bits.
_BASE32: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Names:
    """Values of the patterns for one job or step. None is not known: such a pattern stays.

    `step` is the number of the step, or its name if it is no number. `key` is the primary key of the job's record.
    """

    job: int
    array: int | None
    task: int | None
    restarts: int
    key: int
    name: str
    node: str | None
    user: str
    directory: str | None
    step: int | str = "batch"

    def numbers(self) -> Mapping[str, int | None]:
        """Returns the numbers by their letters. A width applies to them."""
        return {
            "A": self.array or self.job,
            "a": self.task,
            "b": None if self.task is None else self.task % 10,
            "j": self.job,
            "r": self.restarts,
            # sacct knows neither the node nor the task that wrote a file, and prints 0.
            "n": 0,
            "t": 0,
        }


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
    if len(path) > _LONGEST:
        return directory + path
    expanded = directory + _PATTERN.sub(lambda found: _expansion(found, names), path)
    return expanded if len(expanded) <= _LONGEST else directory + path


def _expansion(found: re.Match[str], names: Names) -> str:
    letter = found["letter"]
    if found["percent"]:
        return "%"
    width = min(int(found["width"] or 0), _MOST_DIGITS)
    texts: Mapping[str, str | None] = {"x": names.name, "N": names.node, "u": names.user, "S": sluid(names.key)}
    if letter in texts:
        text = texts[letter]
    elif letter in "Js":
        text = _of_step(letter, width, names)
    else:
        number = names.numbers()[letter]
        text = None if number is None else f"{number:0{width}}"
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
