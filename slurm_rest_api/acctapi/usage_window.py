"""Time windows of /utilization: whole hours, days and months in the time zone of this process.

slurmdbd sums usage up by its own local time (`_cluster_rollup_usage()` of as_mysql_usage.c). sreport rounds the start
of a report down and its end up to hours (`slurmdb_report_set_start_end_time()` of src/common/slurmdb_defs.c).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from slurm_rest_api.acctapi.usage_tables import Step

StepOrTotal = Literal["hour", "day", "month", "total"]

_HOUR: Final = 3600
_DAY: Final = 86400
NOMINAL_SECONDS: Final[dict[Step, int]] = {"hour": _HOUR, "day": _DAY, "month": 28 * _DAY}
"""The shortest usual length of a step."""

_DEFAULT_SECONDS: Final[dict[StepOrTotal, int]] = {
    "hour": _DAY,
    "day": 30 * _DAY,
    "month": 365 * _DAY,
    "total": 30 * _DAY,
}
_LAST_SECOND: Final = 253_000_000_000
"""Shortly before the end of the year 9999, the last of `datetime`."""


@dataclass(frozen=True)
class Piece:
    """Rows of the tables of `step` that begin from epoch second `since` on and before `until`."""

    step: Step
    since: int
    until: int


@dataclass(frozen=True)
class Window:
    """The whole steps that a request asks for, from epoch second `since` to `until`. Empty if these are equal."""

    step: StepOrTotal
    since: int
    until: int

    def pieces(self) -> list[Piece]:
        """Returns the tables to read. A total takes whole days from the days, and hours at its ends."""
        if self.step != "total":
            return [Piece(self.step, self.since, self.until)]
        first, last = ceiling(self.since, "day"), floor(self.until, "day")
        if first >= last:
            return [Piece("hour", self.since, self.until)]
        parts = (Piece("hour", self.since, first), Piece("day", first, last), Piece("hour", last, self.until))
        return [part for part in parts if part.since < part.until]

    def end_of(self, start: int) -> int:
        """Returns the end of the step that begins at epoch second `start`."""
        return self.until if self.step == "total" else following(start, self.step)


def window_of(step: StepOrTotal, since: int | None, until: int | None, now: int) -> Window:
    """Returns the window of a request at epoch second `now`: `since` rounded down and `until` rounded up to a step.

    slurmdbd has no usage of the future, so the window ends with the current step.
    """
    unit: Step = "hour" if step == "total" else step
    end = ceiling(now if until is None else min(until, now), unit)
    start = floor(min(max(0, end - _DEFAULT_SECONDS[step] if since is None else since), _LAST_SECOND), unit)
    return Window(step, min(start, end), end)


def floor(epoch: int, step: Step) -> int:
    """Returns the start of the step that has the second `epoch`, 0 at least."""
    # A naive datetime is local time. Only the system's rules know the UTC offset of that day.
    hour = datetime.fromtimestamp(epoch).replace(minute=0, second=0)  # noqa: DTZ006
    if step == "hour":
        return max(0, int(hour.timestamp()))
    day = hour.replace(hour=0, fold=0)
    return max(0, int((day if step == "day" else day.replace(day=1)).timestamp()))


def following(start: int, step: Step) -> int:
    """Returns the start of the next step after one that begins at the second `start`."""
    if step == "hour":
        return start + _HOUR
    local = datetime.fromtimestamp(start)  # noqa: DTZ006
    if step == "day":
        return int((local + timedelta(days=1)).timestamp())
    month = local.replace(day=1) + timedelta(days=32)
    return int(month.replace(day=1).timestamp())


def ceiling(epoch: int, step: Step) -> int:
    """Returns `epoch` if a step begins there, else the start of the next one."""
    start = floor(epoch, step)
    return start if start == epoch else following(start, step)
