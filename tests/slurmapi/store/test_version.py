"""Noticing that something was written to the store."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store.version import StoreVersionReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter


def test_without_a_store_there_is_no_moment(tmp_path: Path) -> None:
    assert StoreVersionReader(tmp_path / "snapshot.sqlite").moment() is None


def test_each_write_is_another_moment_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sqlite"
    writer, watch = StoreWriter(path), StoreVersionReader(path)
    writer.record_failure("the first", time.time())
    before = watch.moment()
    assert watch.moment() == before
    StoreVersionReader(path).moment()
    assert watch.moment() == before
    writer.record_failure("the second", time.time())
    assert watch.moment() != before


def test_a_store_that_was_made_anew_is_another_moment(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sqlite"
    watch, moments = StoreVersionReader(path), set()
    for _ in range(3):
        StoreWriter(path).record_failure("a failure", time.time())
        moments.add(watch.moment())
        path.unlink()
        assert watch.moment() is None
    assert len(moments) == 3


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sqlite"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(StoreError, match="cannot be read"):
        StoreVersionReader(path).moment()
