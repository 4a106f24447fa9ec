"""The schedule of cycles."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.shared import pacing


@pytest.mark.parametrize(("cost", "interval"), [(0.0, 10.0), (2.5, 10.0), (2.6, 10.4), (30.0, 120.0)])
def test_a_cycle_never_takes_more_than_a_quarter_of_the_time(cost: float, interval: float) -> None:
    assert pacing.interval_after_success(10.0, cost) == pytest.approx(interval)


def test_cost_is_reading_time_or_processor_time() -> None:
    assert pacing.cost_of(reading_seconds=3.0, processor_seconds=1.0) == 3.0
    assert pacing.cost_of(reading_seconds=0.5, processor_seconds=1.0) == 1.0


@pytest.mark.parametrize(("failures", "longest"), [(1, 10.0), (2, 20.0), (3, 40.0), (4, 60.0), (1000, 60.0)])
def test_back_off_doubles_up_to_a_minute(failures: int, longest: float) -> None:
    assert pacing.delay_after_failure(10.0, failures, lambda low, high: high) == longest
    assert pacing.delay_after_failure(10.0, failures, lambda low, high: low) == pytest.approx(longest * 0.8)


def test_data_is_stale_after_three_cycles() -> None:
    assert not pacing.is_stale(now=1030.0, loaded_at=1000.0, interval_seconds=10.0)
    assert pacing.is_stale(now=1030.1, loaded_at=1000.0, interval_seconds=10.0)
