"""Time range and step of /load queries."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.archive.parameters import LoadParameters
from slurm_rest_api.archive.time_range import Retention, TimeRange, time_range_of
from slurm_rest_api.errors import BadParameter

DAY = 86400
NOW = 1_800_000_000
RETENTION = Retention(width=60, keep_seconds=90 * DAY, max_samples=1500)


def time_range(retention: Retention = RETENTION, **query: Any) -> TimeRange:
    return time_range_of(
        LoadParameters.model_validate({key: str(value) for key, value in query.items()}), retention, NOW
    )


def test_the_default_is_the_newest_sample() -> None:
    assert time_range() == TimeRange(NOW - 119, NOW + 1, 0, newest=True)
    assert time_range(offset=3600) == TimeRange(NOW - 3600 - 119, NOW - 3600 + 1, 0, newest=True)


def test_time_and_offset_count_back_from_now() -> None:
    assert time_range(time=DAY) == TimeRange(NOW - DAY + 1, NOW + 1, 0)
    assert time_range(time=DAY, offset=DAY) == TimeRange(NOW - 2 * DAY + 1, NOW - DAY + 1, 0)
    assert time_range(time=0) == TimeRange(NOW + 1, NOW + 1, 0)


def test_since_and_until() -> None:
    assert time_range(since=NOW - 100, until=NOW - 50) == TimeRange(NOW - 100, NOW - 50, 0)
    assert time_range(since=NOW - 100) == TimeRange(NOW - 100, NOW + 1, 0)
    assert time_range(until=NOW) == TimeRange(NOW - DAY, NOW, 0)


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (1, 0),
        (2, 600),
        (10, 600),
        (11, 3600),
        (62, 3600),
        (63, 21600),
        (365, 21600),
        (376, DAY),
        (1500, DAY),
        (20000, 14 * DAY),
    ],
)
def test_a_long_range_chooses_a_step_that_fits(days: int, step: int) -> None:
    chosen = time_range(since=NOW - days * DAY, until=NOW)
    assert chosen.step == step
    assert (chosen.until - chosen.since) / (chosen.step or 60) <= RETENTION.max_samples


@pytest.mark.parametrize(
    ("asked", "days_ago", "step"),
    [
        (1, 1, 0),
        (60, 1, 0),
        (300, 1, 300),
        (90, 1, 120),
        (900, 1, 1200),
        (5000, 1, 7200),
        (30000, 1, 43200),
        (DAY, 30, DAY),
        (100000, 30, 2 * DAY),
        # Raw samples are deleted by then, and after two years those of ten minutes, too.
        (60, 100, 600),
        (600, 800, 3600),
    ],
)
def test_step_uses_retained_levels(asked: int, days_ago: int, step: int) -> None:
    since = NOW - days_ago * DAY
    assert time_range(since=since, until=since + DAY, step=asked).step == step


def test_step_between_levels_is_limited_by_cost() -> None:
    assert time_range(since=NOW - 30 * DAY, until=NOW, step=7200).step == 7200
    assert time_range(since=NOW - 365 * DAY, until=NOW, step=7200).step == 21600
    assert time_range(since=NOW - 365 * DAY, until=NOW, step=43200).step == 43200
    assert time_range(since=NOW - 365 * DAY, until=NOW, step=3600).step == 3600
    assert time_range(since=NOW - 3 * DAY, until=NOW, step=300).step == 600


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"since": 200, "until": 100}, "since"),
        ({"since": 100, "until": 100}, "since"),
        ({"since": NOW + 5}, "since"),
        ({"since": 100, "time": 5}, "time"),
        ({"until": 100, "offset": 5}, "time"),
    ],
)
def test_contradicting_parameters_get_400(query: dict[str, Any], parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        time_range(**query)
    assert caught.value.parameter == parameter


def test_slots_as_long_as_a_level() -> None:
    hourly = Retention(width=3600, keep_seconds=90 * DAY, max_samples=1500)
    assert time_range(hourly, time=DAY).step == 0
    assert time_range(hourly, time=DAY, step=600).step == 0
    assert time_range(hourly, time=DAY, step=7200).step == 7200
