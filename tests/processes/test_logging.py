"""Faults that repeat: one line a minute, with the number of those left out."""

from __future__ import annotations

import logging
import sys

import pytest

from slurm_rest_api.processes.logging import RepeatLimit


class Log:
    """A log with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._limit = RepeatLimit(lambda: self.now)
        self.lines: list[str] = []

    def add(self, level: int, text: str, *args: object, exc_info: bool = False) -> None:
        error = sys.exc_info() if exc_info else None
        record = logging.LogRecord("subject", level, __file__, 1, text, args, error)
        if self._limit.filter(record):
            self.lines.append(record.getMessage())


@pytest.fixture
def log() -> Log:
    return Log()


def test_fault_is_logged_at_once_and_then_once_a_minute(log: Log) -> None:
    for second in range(180):
        log.now = 1000.0 + second
        log.add(logging.WARNING, "Task queue depth is %d", second)
    assert log.lines == [
        "Task queue depth is 0",
        "Task queue depth is 60 (59 more like this were left out.)",
        "Task queue depth is 120 (59 more like this were left out.)",
    ]


def test_other_faults_and_information_are_all_logged(log: Log) -> None:
    for text in ("disk full", "no route", "disk full"):
        log.add(logging.ERROR, "failed: %s", text)
        log.add(logging.INFO, "GET %s", "/queue")
    assert log.lines == ["failed: disk full", "GET /queue", "failed: no route", "GET /queue", "GET /queue"]


def test_exceptions_of_one_place_are_one_fault_whatever_clients_send(log: Log) -> None:
    for path in ("/a", "/b", "/c"):
        for kind in (OSError, ValueError):
            try:
                raise kind(path)
            except kind:
                log.add(logging.ERROR, "%s failed.", path, exc_info=True)
    assert log.lines == ["/a failed.", "/a failed."]


def test_number_of_remembered_faults_is_bounded(log: Log) -> None:
    for number in range(2000):
        log.add(logging.ERROR, "fault %s", "x" * number)
    log.add(logging.ERROR, "fault %s", "x" * 1999)
    assert len(log.lines) == 2000
    log.add(logging.ERROR, "fault %s", "")
    assert len(log.lines) == 2001
