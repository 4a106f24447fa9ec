"""A clock that is set."""

from __future__ import annotations

import threading

from slurm_rest_api.slurmapi.collector.clock_steps import ClockWatch, watch_clock


def test_a_clock_that_was_set_is_noticed_once() -> None:
    wall, steady = 1000.0, 5.0
    watch = ClockWatch(lambda: wall, lambda: steady)
    wall, steady = 1060.0, 65.0
    assert watch.step() == 0.0
    wall, steady = 1061.0 - 3600, 66.0
    assert watch.step() == -3600.0
    assert watch.step() == 0.0
    wall, steady = wall + 1.5, steady + 1.0
    assert watch.step() == 0.0
    wall += 86400
    assert watch.step() == 86400.0


def test_an_ordinary_clock_disturbs_nobody() -> None:
    called = threading.Event()
    with watch_clock(called.set, poll_seconds=0.01):
        assert not called.wait(0.2)
