"""The record of the last build."""

from __future__ import annotations

import os
from pathlib import Path

from slurm_rest_api.pyslurm_build.host import SlurmHost
from slurm_rest_api.pyslurm_build.state import (
    FILE_NAME,
    Source,
    State,
    build_key,
    delete_state,
    read_state,
    write_state,
)


def a_host(tmp_path: Path, number: int = 0x1A0505) -> SlurmHost:
    library = tmp_path / "libslurmfull.so"
    library.write_bytes(b"library")
    os.utime(library, (1_000_000_000, 1_000_000_000))
    return SlurmHost(number, tmp_path, library)


def locks(tmp_path: Path, text: str = "Cython==3") -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir(exist_ok=True)
    (folder / "pyslurm-build.lock").write_text(text, encoding="utf-8")
    return folder


def test_state_is_read_back_and_deleted(tmp_path: Path) -> None:
    source = Source("tag", "v24.11.0", "0" * 64, "24.11")
    state = State("key", "24.11.0+adjusted", ["a gap"], "24.11.5", source)
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    delete_state(tmp_path)
    assert read_state(tmp_path) is None


def test_unreadable_state_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"key": ', encoding="utf-8")
    assert read_state(tmp_path) is None


def test_same_inputs_make_the_same_key(tmp_path: Path) -> None:
    keys = {build_key(a_host(tmp_path), "digest", {}, locks(tmp_path)) for _ in range(2)}
    assert len(keys) == 1


def test_each_changed_input_makes_another_key(tmp_path: Path) -> None:
    base = build_key(a_host(tmp_path), "digest", {}, locks(tmp_path))
    others = {
        build_key(a_host(tmp_path, 0x1A0506), "digest", {}, locks(tmp_path)),
        build_key(a_host(tmp_path), "other", {}, locks(tmp_path)),
        build_key(a_host(tmp_path), "digest", {"CFLAGS": "-g"}, locks(tmp_path)),
        build_key(a_host(tmp_path), "digest", {}, locks(tmp_path, "Cython==4")),
    }
    assert len(others | {base}) == 5


def test_upgraded_library_makes_another_key(tmp_path: Path) -> None:
    host, lock = a_host(tmp_path), locks(tmp_path)
    before = build_key(host, "digest", {}, lock)
    os.utime(host.library, (1_000_000_001, 1_000_000_001))
    assert build_key(host, "digest", {}, lock) != before


def test_a_record_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    old = '{"key": "k", "installed": "25.11.2", "untested": [], "by_hand": true}'
    (tmp_path / FILE_NAME).write_text(old, encoding="utf-8")
    assert read_state(tmp_path) == State("k", "25.11.2", [])
