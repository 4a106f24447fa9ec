"""A file at `archive_path` that is no load archive, from the start of the service to its routes."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_rest_api.archive.sampler_factory import open_sampler
from slurm_rest_api.cli import main
from slurm_rest_api.config import Settings
from tests.conftest import make_client
from tests.waiting import wait_for

ADVICE = "run `slurm-rest-api import-archive FILE` with the TinyDB file"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Writes an archive of 2018, with a blank first as an editor may leave it."""
    file = tmp_path / "db.json"
    file.write_text(' {"_default": {}}')
    return file


@pytest.fixture
def settings(tmp_path: Path, old: Path) -> Settings:
    """Returns the settings of a 2018 configuration: the archive is on, and `archive_path` is its TinyDB file."""
    system = {"runtime_dir": tmp_path / "run", "archive_usage_load": True, "archive_path": str(old), "source": "demo"}
    return Settings.model_validate({"system": system})


def test_the_route_names_the_command(settings: Settings, old: Path) -> None:
    response = make_client(settings).get("/load")
    assert response.status_code == 503
    detail = response.get_json()["errors"][0]["detail"]
    assert ADVICE in detail
    assert str(old.parent) not in detail


def test_the_start_and_health_name_the_command(settings: Settings, old: Path, caplog: pytest.LogCaptureFixture) -> None:
    (old.parent / "run").mkdir()
    with caplog.at_level(logging.ERROR):
        sampler = open_sampler(settings)
    assert ADVICE in caplog.text
    assert str(old) in caplog.text
    sampler.tick()
    client = make_client(settings)

    def broken_archive() -> dict[str, str] | None:
        archive: dict[str, str] = client.get("/health").get_json()["data"]["parts"]["archive"]
        return archive if archive["state"] == "broken" else None

    # The writer's thread reports the file.
    with closing(sampler):
        archive = wait_for("the archive to be broken", broken_archive)
    assert ADVICE in archive["detail"]
    assert old.read_text() == ' {"_default": {}}'


def test_import_archive_does_not_import_a_file_into_itself(tmp_path: Path, old: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(f"system:\n  archive_usage_load: true\n  archive_path: '{old}'\n")
    old.write_text(json.dumps({"_default": {"1": {"time": 1530000000.5}}}))
    result = CliRunner().invoke(main, ["--config", str(config), "import-archive", str(old)])
    assert result.exit_code == 1
    assert "Set it to a new file such as archive.sqlite" in result.output
