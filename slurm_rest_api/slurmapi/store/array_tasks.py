"""The tasks of an array that wait, as Slurm writes them: `2-9%4`, `1,3,10-20:2`; pure."""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"(\d+)(?:-(\d+)(?::(\d+))?)?", re.ASCII)


def has_task(tasks: str | None, task: int) -> bool:
    """Whether this task is one of `tasks`; None has none."""
    for part in (tasks or "").partition("%")[0].strip("[]").split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if first <= task <= last and (task - first) % max(step, 1) == 0:
            return True
    return False
