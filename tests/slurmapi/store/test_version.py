"""The version of the store, which changes with every write."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store.version import StoreVersionReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter


def test_without_a_store_there_is_no_version(tmp_path: Path) -> None:
    assert StoreVersionReader(tmp_path / "snapshot.sqlite").current() is None


def test_only_a_write_changes_the_version(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sqlite"
    writer, reader = StoreWriter(path), StoreVersionReader(path)
    writer.record_failure("the first", time.time())
    before = reader.current()
    assert reader.current() == before
    StoreVersionReader(path).current()
    assert reader.current() == before
    writer.record_failure("the second", time.time())
    assert reader.current() != before


def test_a_recreated_store_has_another_version(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sqlite"
    reader, versions = StoreVersionReader(path), set()
    for _ in range(3):
        StoreWriter(path).record_failure("a failure", time.time())
        versions.add(reader.current())
        path.unlink()
        assert reader.current() is None
    assert len(versions) == 3


def test_a_file_that_is_no_store_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sqlite"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(StoreError, match="cannot be read"):
        StoreVersionReader(path).current()
