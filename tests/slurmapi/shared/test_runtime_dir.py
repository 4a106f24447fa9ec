"""Modes of the runtime folder and of the files in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ConfigError
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths, require_usable


def settings_for(folder: Path, **auth: Any) -> Settings:
    return Settings.model_validate({"system": {"runtime_dir": folder}, "auth": auth})


@pytest.mark.parametrize("mode", [0o755, 0o751, 0o705, 0o704])
def test_open_folder_stops_the_start_where_clients_authenticate(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "runtime"
    require_usable(settings_for(folder, mode="proxy"))
    folder.mkdir()
    folder.chmod(mode)
    require_usable(settings_for(folder))
    with pytest.raises(ConfigError) as caught:
        require_usable(settings_for(folder, mode="proxy", private_data=["jobs"]))
    assert caught.value.faults == [
        f"system.runtime_dir: {folder} is open to every user of this host (mode {mode:04o}), but `auth.mode` is proxy."
        f" Run `chmod o-rwx {folder}`."
    ]
    # nginx reaches uWSGI's socket through the group.
    folder.chmod(0o750)
    require_usable(settings_for(folder, mode="proxy", private_data=["jobs"]))


@pytest.mark.parametrize(
    ("below", "words"),
    [("file", " is not a folder."), ("file/a", ": Not a directory."), ("loop/a", ": Too many levels")],
)
def test_path_that_can_be_no_folder_is_a_fault_of_the_configuration(tmp_path: Path, below: str, words: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError) as caught:
        require_usable(settings_for(tmp_path / below))
    [fault] = caught.value.faults
    assert fault.startswith(f"system.runtime_dir: {tmp_path / below}{words}")
    assert fault.endswith(" Set it to a folder that the service's user can create or write to.")


def test_files_of_an_earlier_run_are_closed_and_other_files_stay(tmp_path: Path) -> None:
    paths = RuntimePaths(tmp_path / "runtime")
    for folder in (paths.root, paths.prepared, paths.counters):
        folder.mkdir(mode=0o755)
    own = [
        paths.store, paths.root / "snapshot.sqlite-wal", paths.archive_status, paths.lock,
        paths.prepared / "queue-1.json", paths.counters / "counter_1.db",
    ]  # fmt: skip
    others = [paths.root / "uwsgi.sock", paths.root / "another"]
    for path in (*own, *others):
        path.write_bytes(b"")
        path.chmod(0o664)
    (paths.prepared / "link").symlink_to(paths.root / "another")
    os.mkfifo(paths.refresh_pipe)
    paths.make()
    assert {path.name: path.stat().st_mode & 0o777 for path in own} == {path.name: 0o600 for path in own}
    assert {path.stat().st_mode & 0o777 for path in others} == {0o664}
    assert {path.stat().st_mode & 0o777 for path in (paths.prepared, paths.counters)} == {0o700}
    assert paths.root.stat().st_mode & 0o777 == 0o755
