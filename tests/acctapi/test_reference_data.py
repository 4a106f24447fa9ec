"""Threads that need the names at the same time share one reading, and its error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event

from slurm_rest_api.acctapi.database import Database, open_database
from slurm_rest_api.acctapi.reference_data import ReferenceData, ReferenceDataCache
from tests.acctapi.rows import settings_for, write_database
from tests.waiting import GIVE_UP_SECONDS, wait_for

_THREADS: Final = 4


class NoAnswer(Exception):
    """Takes the place of the driver's error."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    write_database(tmp_path / "acct.sqlite", [])
    opened = open_database(settings_for(tmp_path / "acct.sqlite", tmp_path, db_pool_size=_THREADS).database)
    yield opened
    opened.close()


class Reading:
    """Times that threads asked for the names and statements that read them, which wait until `released`."""

    def __init__(self) -> None:
        self.asked = 0
        self.statements = 0
        self.released = threading.Event()
        self.error: Exception | None = None

    def clock(self) -> float:
        """Counts the calls of the cache, which asks for the time first."""
        self.asked += 1
        return 0.0

    def execute(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "tres_table" in statement:
            self.statements += 1
            assert self.released.wait(GIVE_UP_SECONDS)
            if self.error is not None:
                raise self.error


@contextmanager
def waiting_threads(database: Database, reading: Reading) -> Iterator[list[Future[ReferenceData]]]:
    """Yields the results of threads that all wait for the names."""
    cache = ReferenceDataCache(60, reading.clock)
    event.listen(Engine, "before_cursor_execute", reading.execute)
    try:
        with ThreadPoolExecutor(_THREADS) as threads:
            results = [threads.submit(database.run, cache.get) for _ in range(_THREADS)]
            wait_for("all threads to ask", lambda: reading.asked == _THREADS)
            reading.released.set()
            yield results
    finally:
        event.remove(Engine, "before_cursor_execute", reading.execute)


def test_threads_share_one_reading(database: Database) -> None:
    reading = Reading()
    with waiting_threads(database, reading) as results:
        assert len({id(result.result()) for result in results}) == 1
    assert results[0].result().qos == {1: "normal", 2: "urgent"}
    assert reading.statements == 1


def test_threads_share_the_error_of_one_reading(database: Database) -> None:
    reading = Reading()
    reading.error = NoAnswer()
    with waiting_threads(database, reading) as results:
        assert [type(result.exception()) for result in results] == [NoAnswer] * _THREADS
    assert reading.statements == 1


def test_names_are_read_again_after_an_error_and_after_their_lifetime(database: Database) -> None:
    now, reading = [0.0], Reading()
    reading.released.set()
    cache = ReferenceDataCache(60, lambda: now[0])
    event.listen(Engine, "before_cursor_execute", reading.execute)
    try:
        reading.error = NoAnswer()
        with pytest.raises(NoAnswer):
            database.run(cache.get)
        reading.error = None
        first = database.run(cache.get)
        now[0] = 59.9
        assert database.run(cache.get) is first
        now[0] = 60.0
        assert database.run(cache.get) is not first
    finally:
        event.remove(Engine, "before_cursor_execute", reading.execute)
    assert reading.statements == 3
