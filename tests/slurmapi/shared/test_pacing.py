"""The schedule of cycles."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.shared import pacing


@pytest.mark.parametrize(
    ("controller", "processor", "interval"),
    [(0.0, 0.0, 3.0), (0.3, 3.0, 3.0), (0.31, 3.0, 3.1), (0.3, 4.0, 4.0), (2.0, 4.0, 20.0)],
)
def test_slurmctld_works_a_tenth_of_the_time(controller: float, processor: float, interval: float) -> None:
    least = pacing.least_interval(60.0, controller, processor)
    assert pacing.interval_after_success(3.0, least) == pytest.approx(interval)


@pytest.mark.parametrize(("cores", "interval"), [(1, 8.0), (2, 6.0), (64, 6.0)])
def test_the_loader_works_three_quarters_of_one_core_and_all_the_time_on_one_of_more(
    cores: int, interval: float
) -> None:
    assert pacing.processor_interval(6.0, cores) == pytest.approx(interval)


def test_slurmctld_is_read_a_quarter_of_the_time_if_its_work_is_unknown() -> None:
    assert pacing.least_interval(2.5, None, 1.0) == 10.0
    assert pacing.least_interval(0.1, None, 2.0) == 2.0


@pytest.mark.parametrize(("failures", "longest"), [(1, 10.0), (2, 20.0), (3, 40.0), (4, 60.0), (1000, 60.0)])
def test_back_off_doubles_up_to_a_minute(failures: int, longest: float) -> None:
    assert pacing.delay_after_failure(10.0, failures, lambda low, high: high) == longest
    assert pacing.delay_after_failure(10.0, failures, lambda low, high: low) == pytest.approx(longest * 0.8)


def test_data_is_stale_after_three_cycles() -> None:
    assert not pacing.is_stale(now=1030.0, loaded_at=1000.0, interval_seconds=10.0)
    assert pacing.is_stale(now=1030.1, loaded_at=1000.0, interval_seconds=10.0)
