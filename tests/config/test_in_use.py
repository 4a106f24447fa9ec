"""The copy of the configuration that all processes of a running service load, however the file changes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_rest_api.cli import main
from slurm_rest_api.config import ConfigInUse, Settings, load_in_use, load_settings
from slurm_rest_api.config.in_use import IN_USE_NAME, IN_USE_VARIABLE, RELOAD_NAME, request_reload
from slurm_rest_api.config_files import check_files
from slurm_rest_api.errors import ConfigError

FAULTY = "system:\n  port: many\nnonsense: 1\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Writes a configuration with each kind of secret."""
    password, key = tmp_path / "password", tmp_path / "jwt.key"
    for file, content in ((password, b"of the file\n"), (key, bytes(range(40)))):
        file.write_bytes(content)
        file.chmod(0o600)
    path = tmp_path / "config.yml"
    path.write_text(
        f"system:\n  archive_url: 'postgresql+psycopg://slurm:secret@db/load'\n  port: 5001\n"
        f"filter:\n  partitions: [hidden, 'two words']\n"
        f"database:\n  db_pass_file: {password}\nauth:\n  mode: jwt\n  jwt_key_file: {key}\n"
    )
    return path


def of_start(config: Path) -> ConfigInUse:
    copy = ConfigInUse(config.with_name(IN_USE_NAME))
    copy.save(load_settings(config, {}))
    return copy


def again(config: Path) -> Settings:
    """Returns the settings of a process that starts now."""
    return load_in_use(config, check_files, {IN_USE_VARIABLE: str(config.with_name(IN_USE_NAME))})


def touch(config: Path, seconds: int) -> None:
    """Touches the reload file `seconds` after the copy."""
    file, saved = config.with_name(RELOAD_NAME), config.with_name(IN_USE_NAME).stat().st_mtime
    file.touch()
    os.utime(file, (saved + seconds, saved + seconds))


def test_a_process_that_starts_later_has_all_settings_of_the_start(config: Path, tmp_path: Path) -> None:
    copy, settings = of_start(config), load_settings(config, {})
    assert stat.S_IMODE(copy.path.stat().st_mode) == 0o600
    config.write_text(FAULTY)
    for name in ("password", "jwt.key"):
        (tmp_path / name).unlink()
    found = again(config)
    assert found.database.db_pass.get_secret_value() == "of the file"
    assert found.system.archive_url is not None
    assert found.system.archive_url.get_secret_value() == "postgresql+psycopg://slurm:secret@db/load"
    assert found.jwt_key is not None
    assert bytes.fromhex(found.jwt_key.get_secret_value()) == bytes(range(40))
    assert found.model_copy(update={"jwt_key": None}) == settings


def test_an_edited_file_takes_effect_at_a_reload_only(config: Path) -> None:
    of_start(config)
    config.write_text(config.read_text().replace("port: 5001", "port: 5002"))
    assert again(config).system.port == 5001
    request_reload(load_settings(config, {}), config.with_name(RELOAD_NAME))
    config.write_text(FAULTY)
    assert again(config).system.port == 5002


def test_a_touched_reload_file_loads_the_configuration_if_it_is_valid(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    of_start(config)
    valid = config.read_text()
    config.write_text(FAULTY)
    touch(config, -1)
    assert again(config).system.port == 5001
    assert not caplog.records
    os.utime(config.with_name(IN_USE_NAME), (1000, 1000))
    touch(config, 5)
    # The second process of the reload has nothing to check any more.
    assert [again(config).system.port for _ in range(2)] == [5001, 5001]
    (refused,) = caplog.messages
    assert refused.startswith("The reload is refused.")
    assert "system.port" in refused
    assert "nonsense" in refused
    os.utime(config.with_name(IN_USE_NAME), (1000, 1000))
    config.write_text(valid.replace("port: 5001", "port: 5003"))
    touch(config, 5)
    assert again(config).system.port == 5003
    config.write_text(FAULTY)
    assert again(config).system.port == 5003


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"setting_of_another_version": {}}', '{"system": {"port": "many"}}']
)
def test_a_copy_that_cannot_be_read_is_no_configuration(config: Path, content: str) -> None:
    copy = of_start(config)
    settings = again(config)
    copy.path.write_text(content)
    config.write_text(config.read_text().replace("port: 5001", "port: 5004"))
    assert again(config).system.port == 5004
    copy.path.unlink()
    config.write_text(FAULTY)
    with pytest.raises(ConfigError) as caught:
        again(config)
    assert len(caught.value.faults) == 2
    copy.restore(settings)
    assert again(config) == settings


def test_uwsgi_starts_with_a_valid_configuration_only(config: Path) -> None:
    copy = ConfigInUse(config.with_name(IN_USE_NAME))
    command = ["--config", str(config), "keep-config", str(copy.path)]
    valid = config.read_text()
    config.write_text(FAULTY)
    for reloads in ("0", "1"):
        refused = CliRunner().invoke(main, command, env={"UWSGI_RELOADS": reloads})
        assert refused.exit_code == 1
        assert "nonsense" in refused.output
        assert "system.port" in refused.output
    config.write_text(valid)
    assert CliRunner().invoke(main, command, env={"UWSGI_RELOADS": "0"}).exit_code == 0
    assert again(config).system.port == 5001
    config.write_text(FAULTY)
    # uWSGI has ended its workers already, and would end as well.
    kept = CliRunner().invoke(main, command, env={"UWSGI_RELOADS": "1"})
    assert kept.exit_code == 0
    assert "The reload is refused." in kept.output
    assert CliRunner().invoke(main, command, env={"UWSGI_RELOADS": "0"}).exit_code == 1
    assert again(config).system.port == 5001
