"""The decision of the soak: a leak is found, noise and a warm-up are none."""

from __future__ import annotations

import random

import pytest

from tests.soak.trend import trend_of

TIMES = [5.0 * number for number in range(200)]


def series(slope: float, noise: float = 1.5) -> list[float]:
    """Returns 100 MiB with noise, and a slope in MiB per 1,000 seconds."""
    rng = random.Random(7)  # noqa: S311 - makes noise
    return [100.0 + slope * time / 1000.0 + rng.gauss(0.0, noise) for time in TIMES]


def test_a_leak_is_found() -> None:
    trend = trend_of(TIMES, series(20.0), floor=2.0)
    assert trend.is_growing
    assert trend.growth == pytest.approx(10.0, abs=1.0)


@pytest.mark.parametrize("slope", [0.0, -20.0])
def test_noise_and_shrinking_are_no_growth(slope: float) -> None:
    assert not trend_of(TIMES, series(slope), floor=2.0).is_growing


def test_a_warm_up_is_no_growth() -> None:
    values = [min(100.0, 50.0 + time) for time in TIMES]
    assert not trend_of(TIMES, values, floor=2.0).is_growing


def test_growth_below_the_floor_is_noise() -> None:
    assert not trend_of(TIMES, [100.0 + time / 1000.0 for time in TIMES], floor=2.0).is_growing
    assert trend_of(TIMES, [100.0 + time / 100.0 for time in TIMES], floor=2.0).is_growing


def test_single_peaks_are_no_growth() -> None:
    values = [130.0 if number % 11 == 10 else 100.0 for number in range(len(TIMES))]
    assert not trend_of(TIMES, values, floor=2.0).is_growing
