"""Decodes values of slurmdbd's tables: sentinels, flags and packed texts.

Sources: slurm.h (NO_VAL, INFINITE, MEM_PER_CPU), wait(2) for exit codes, slurmdb_make_tres_string() for TRES texts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final, Literal, NamedTuple

from slurm_rest_api.contract_base import LARGEST_NUMBER, large_count
from slurm_rest_api.slurm.array_tasks import tasks_among
from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL, NO_VAL64

_PER_CPU: Final = 1 << 63
_PER_CPU_UNTIL_16_05: Final = 1 << 31
_MASK: Final = re.compile(r"0x[0-9A-Fa-f]+")
_MINUTES_A_DAY: Final = 1440

Times = Literal["classic", "iso", "epoch"]
"""Format of times in a response: `Mon Nov 23 20:17:47 2026`, ISO 8601, or epoch seconds."""


class Memory(NamedTuple):
    """Requested memory in MiB per CPU or per node."""

    mib: int
    per: Literal["cpu", "node"]


class Exit(NamedTuple):
    """End of a job or step: its exit code, or the signal that ended it."""

    code: int
    signal: int


def known(value: int | None) -> int | None:
    """Returns an id or a time, None for 0, NO_VAL and INFINITE."""
    return None if not value or value in (NO_VAL, INFINITE) or value >= NO_VAL64 else value


def number(value: int | None) -> int | None:
    """Returns a number, None for NO_VAL and INFINITE. 0 stays 0."""
    return None if value is None or value in (NO_VAL, INFINITE) or value >= NO_VAL64 else value


def point_in_time(epoch: int | None, times: Times) -> str | int | None:
    """Returns an epoch second in the format `times`, None for an unset time."""
    seconds = known(epoch)
    if seconds is None or times == "epoch":
        return seconds
    if times == "classic":
        return time.ctime(seconds)
    return datetime.fromtimestamp(seconds).astimezone().isoformat()


def time_limit(minutes: int | None, times: Times) -> str | int | None:
    """Returns a time limit: classic `0d:5h:0m`, iso `05:00:00` or `2-12:30:00`, epoch in minutes.

    INFINITE is "UNLIMITED" and NO_VAL is "Partition_Limit", as sacct prints them. 0 and None are None.
    """
    if minutes == INFINITE:
        return "UNLIMITED"
    if minutes == NO_VAL:
        return "Partition_Limit"
    if not minutes or times == "epoch":
        return minutes or None
    days, rest = divmod(minutes, _MINUTES_A_DAY)
    hours, left = divmod(rest, 60)
    if times == "classic":
        return f"{days}d:{hours}h:{left}m"
    return f"{days}-{hours:02}:{left:02}:00" if days else f"{hours:02}:{left:02}:00"


def memory(value: int) -> Memory | None:
    """Returns the requested memory of `mem_req`, None for NO_VAL64.

    One bit says "per CPU" (MEM_PER_CPU): the highest of 64 bits since 17.02, the highest of 32 before.
    """
    if value >= NO_VAL64:
        return None
    if value & _PER_CPU:
        return Memory(value & ~_PER_CPU, "cpu")
    if value & _PER_CPU_UNTIL_16_05 and value <= INFINITE:
        return Memory(value & ~_PER_CPU_UNTIL_16_05, "cpu")
    return Memory(value, "node")


@lru_cache(maxsize=1000)
def exit_status(value: int | None) -> Exit:
    """Returns the exit code or the signal of a wait(2) status. NO_VAL is 0:0."""
    status = number(value) or 0
    signal = status & 0x7F
    return Exit(0, signal) if signal else Exit(status >> 8 & 0xFF, 0)


def tres(text: str | None, names: Mapping[int, str]) -> dict[str, int]:
    """Returns counts by TRES name: `1=4,2=2000,1001=1` → {"cpu": 4, "mem": 2000, "gres/gpu": 1}.

    Memory is MiB, energy is joules. A TRES without a name keeps its number. Unknown counts are left out.
    """
    counts: dict[str, int] = {}
    for part in (text or "").split(","):
        key, equals, count = part.partition("=")
        if equals and key.isdecimal() and count.isdecimal() and (found := number(int(count))) is not None:
            counts[names.get(int(key), key)] = found
    return counts


def published_tres(counts: Mapping[str, int]) -> Mapping[str, int | str]:
    """Returns counts as they are published: as text above 2^53 - 1."""
    if all(count <= LARGEST_NUMBER for count in counts.values()):
        return counts
    return {name: large_count(count) for name, count in counts.items()}


def array_tasks(mask: str | None, at_once: int | None) -> str | None:
    """Returns the pending tasks of an array as sacct prints them: `0x1f` → "0-4", `0-4%2` if at most 2 may run at once.

    Source: `xlate_array_task_str()` of `src/common/slurm_protocol_defs.c`, without its limit of length.
    """
    if not mask:
        return None
    if not _MASK.fullmatch(mask):
        # slurmdbd stores very long masks as the list of tasks.
        return mask
    numbers = [bit for bit, digit in enumerate(reversed(f"{int(mask, 16):b}")) if digit == "1"]
    tasks = _stepped(numbers) or ",".join(_consecutive(numbers))
    return f"{tasks}%{at_once}" if at_once else tasks


def _stepped(numbers: Sequence[int]) -> str | None:
    """Returns `first-last:step` if there are more than five numbers at equal distances, and the list is long enough."""
    if len(numbers) <= 5 or numbers[-1] - numbers[0] <= 10 or numbers[1] == numbers[0] + 1:
        return None
    step = numbers[1] - numbers[0]
    is_stepped = all(second - first == step for first, second in pairwise(numbers))
    return f"{numbers[0]}-{numbers[-1]}:{step}" if is_stepped else None


def _consecutive(numbers: Iterable[int]) -> Iterator[str]:
    """Yields `5` or `2-4` for each group of consecutive numbers."""
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        found = [number for _, number in group]
        yield str(found[0]) if len(found) == 1 else f"{found[0]}-{found[-1]}"


def mask_has_any_task(mask: str | None, tasks: Sequence[int]) -> bool:
    """Returns True if one of `tasks`, which are sorted, is among the pending tasks of an array."""
    return next(mask_tasks_among(mask, tasks), None) is not None


def mask_tasks_among(mask: str | None, tasks: Sequence[int]) -> Iterator[int]:
    """Yields the numbers in `tasks`, which are sorted, that are among the pending tasks of an array."""
    if mask is None or not _MASK.fullmatch(mask):
        yield from tasks_among(mask, tasks)
        return
    digits = mask[:1:-1]
    yield from (task for task in tasks if task // 4 < len(digits) and int(digits[task // 4], 16) >> task % 4 & 1)


def hostlist(text: str | None) -> str | None:
    """Returns a hostlist, None for the texts that mean "no nodes"."""
    return None if text in (None, "", "None assigned", "(null)") else text


def elapsed(start: int | None, end: int | None, suspended: int, now: int) -> int:
    """Returns the seconds that a job has run to its end, or until `now`. 0 if it never started."""
    started = known(start)
    return 0 if started is None else max(0, (known(end) or now) - started - suspended)


def suspended(stored: int | None, *, is_suspended: bool, now: int) -> int:
    """Returns the seconds that a job was suspended.

    While it is suspended, `time_suspended` holds the epoch second of the suspension.
    """
    seconds = known(stored) or 0
    return max(0, now - seconds) if is_suspended else seconds
