"""Types, limits and defaults of settings."""

from __future__ import annotations

import os
from pathlib import Path

import pydantic
import pytest

from slurm_rest_api.config import Settings, SystemSettings


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.system.port = 1


def test_runtime_dir_overrides_the_folder_of_systemd() -> None:
    environ = {"RUNTIME_DIRECTORY": "/run/one:/run/two"}
    assert SystemSettings(runtime_dir=Path("/srv/x")).runtime_path(environ) == Path("/srv/x")
    assert SystemSettings().runtime_path(environ) == Path("/run/one")


def test_without_systemd_the_runtime_folder_belongs_to_the_user() -> None:
    folder = SystemSettings().runtime_path({})
    assert folder.is_absolute()
    assert folder.name == "slurm-rest-api"
    assert SystemSettings().runtime_path({"RUNTIME_DIRECTORY": ""}) == folder
    if os.geteuid() == 0:
        assert folder == Path("/run/slurm-rest-api")


def test_a_log_level_may_be_in_lower_case() -> None:
    assert SystemSettings.model_validate({"log_level": "debug"}).log_level == "DEBUG"


@pytest.mark.parametrize(
    "source", ["slurm", "slurm:pyslurm", "slurm:commands", "site:make", "site.sources.demo:make_it", "slurm.site:make"]
)
def test_usable_sources(source: str) -> None:
    assert SystemSettings(source=source).source == source


@pytest.mark.parametrize(
    "source", ["pyslurm", "commands", "slurm:", "slurm:command", "slurm:pyslurm:x", "demo:make", "SLURM", "site"]
)
def test_unusable_sources(source: str) -> None:
    with pytest.raises(pydantic.ValidationError, match='expected "slurm", "slurm:pyslurm", "slurm:commands"'):
        SystemSettings(source=source)


def test_the_archive_is_the_same_for_each_way_of_reading_slurm() -> None:
    sources = ("slurm", "slurm:pyslurm", "slurm:commands", "demo:nodes=40", "site:make")
    names = [SystemSettings(source=source).source_name for source in sources]
    assert names == ["slurm", "slurm", "slurm", "demo", "site:make"]


def test_the_directory_of_the_commands_is_absolute() -> None:
    assert SystemSettings.model_validate({"slurm_bin_dir": "/opt/slurm/bin"}).commands_dir == "/opt/slurm/bin"
    with pytest.raises(pydantic.ValidationError, match="expected an absolute path"):
        SystemSettings.model_validate({"slurm_bin_dir": "slurm/bin"})


@pytest.mark.parametrize("origin", ["*", "https://a.example.org", "http://localhost:8080", "http://[::1]:80"])
def test_usable_cors_origins(origin: str) -> None:
    assert SystemSettings(cors_origins=(origin,)).cors_origins == (origin,)


@pytest.mark.parametrize("origin", ["", "https://", "a.org", "https://a.*", "https://a.org/x", "https://a b", "null"])
def test_unusable_cors_origins(origin: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="an origin such as"):
        SystemSettings(cors_origins=(origin,))


def test_each_number_of_the_system_has_a_largest_value() -> None:
    for name, field in SystemSettings.model_fields.items():
        if field.annotation in (int, float):
            with pytest.raises(pydantic.ValidationError, match=name):
                SystemSettings.model_validate({name: 1_000_000_000_001})
