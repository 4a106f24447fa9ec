"""The check of the load archive and of the files of authentication."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.config import Settings, SystemSettings
from slurm_rest_api.diagnosis.archive import check_archive
from slurm_rest_api.diagnosis.checks import check_authentication
from slurm_rest_api.diagnosis.finding import Finding
from tests.archive.databases import open_store, sqlite_settings
from tests.archive.samples import make_sample


def checked(folder: Path, path: str, **system: Any) -> Finding:
    """Checks the archive `path`, as a relative path below systemd's state folder."""
    values = {"archive_usage_load": True, "archive_path": path, **system}
    return check_archive(SystemSettings.model_validate(values), {"STATE_DIRECTORY": str(folder)})


def test_an_archive_of_2018_is_named_with_the_command_that_imports_it(tmp_path: Path) -> None:
    file = tmp_path / "db.json"
    file.write_text('{"_default": {"1": {"time": 1530000000.5, "total_load": 0.5}}}')
    finding = checked(tmp_path, "db.json")
    assert finding.verdict == "problem"
    assert finding.sentence == f"{file} is the load archive of the 2018 release (TinyDB)."
    assert finding.remedy == (
        "Set `system.archive_path` to a new file such as archive.sqlite, then run"
        f" `slurm-rest-api import-archive {file}`."
    )


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    finding = checked(tmp_path, "new/archive.sqlite")
    assert finding.verdict == "ok"
    assert finding.sentence == f"{tmp_path}/new/archive.sqlite does not exist yet and can be created."
    assert list(tmp_path.iterdir()) == []


def test_an_archive_in_use_is_opened(tmp_path: Path) -> None:
    system = sqlite_settings(tmp_path)
    store = open_store(system)
    store.add(make_sample(0))
    assert checked(tmp_path, system.archive_path).sentence.endswith("can be opened and has its tables.")
    store.close()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not a database, but longer than one header of SQLite", "is not an SQLite database"),
        (b"SQLite format 3\0" + b"\xff" * 200, "cannot be used: file is not a database"),
    ],
)
def test_another_file_is_a_problem(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "archive.sqlite").write_bytes(content)
    finding = checked(tmp_path, "archive.sqlite")
    assert (finding.verdict, sentence in finding.sentence) == ("problem", True), finding.sentence


def test_a_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "archive.sqlite").mkdir()
    finding = checked(tmp_path, "archive.sqlite")
    assert (finding.verdict, "names a folder" in finding.sentence) == ("problem", True)


@pytest.mark.parametrize("target", ["missing/file", "archive.sqlite"])
def test_a_symbolic_link_that_leads_nowhere_is_a_problem(tmp_path: Path, target: str) -> None:
    file = tmp_path / "archive.sqlite"
    file.symlink_to(tmp_path / target)
    finding = checked(tmp_path, "archive.sqlite")
    assert (finding.verdict, finding.sentence) == (
        "problem",
        f"{file} is a symbolic link that leads into no folder.",
    )


def test_a_server_that_cannot_be_reached_is_a_problem(tmp_path: Path) -> None:
    finding = checked(tmp_path, "x", archive_url="mysql+pymysql://user:Pa55@127.0.0.1:1/load")
    assert finding.verdict == "problem"
    assert finding.sentence.startswith("The database of `system.archive_url` cannot be used: ")
    assert "Pa55" not in finding.sentence


def test_an_archive_that_is_off_is_not_opened(tmp_path: Path) -> None:
    finding = check_archive(SystemSettings(), {"STATE_DIRECTORY": str(tmp_path)})
    assert (finding.verdict, finding.sentence) == (
        "ok",
        "Not checked, because `system.archive_usage_load` is off.",
    )


def test_the_files_of_authentication_are_read(tmp_path: Path) -> None:
    def verdict(content: str) -> str:
        file = tmp_path / "tokens.json"
        file.write_text(content)
        file.chmod(0o600)
        return check_authentication(
            Settings.model_validate({"auth": {"mode": "token", "token_file": str(file)}})
        ).verdict

    assert verdict(json.dumps({"tokens": "none"})) == "problem"
    missing = Settings.model_validate({"auth": {"mode": "jwt", "jwt_key_file": str(tmp_path / "missing")}})
    finding = check_authentication(missing)
    assert (finding.verdict, "missing cannot be read" in finding.sentence) == ("problem", True)
    assert check_authentication(Settings()).sentence == "`auth.mode` is none."
