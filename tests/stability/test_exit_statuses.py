"""Exit statuses of the commands: 0 for success, 1 for a failure, 2 for wrong arguments (docs/stability.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from slurm_rest_api.cli import main

COMMANDS: Final = (
    ["check"], ["collect"], ["import-archive", "FILE"], ["install-files"], ["keep-config", "FILE"], ["openapi"],
    ["reload", "FILE"], ["run"], ["serve"], ["token", "list"],
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file that exists, for commands that take one."""
    path = tmp_path / "file"
    path.write_text("")
    return str(path)


def status(*arguments: str) -> int:
    return CliRunner().invoke(main, arguments).exit_code


def test_every_command_is_tested() -> None:
    assert {words[0] for words in COMMANDS} == set(main.commands)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_faulty_configuration_is_a_failure(words: list[str], file: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("system:\n  port: many\n")
    assert status("--config", str(config), *(file if word == "FILE" else word for word in words)) == 1


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_a_wrong_argument(words: list[str], tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("")
    assert status("--config", str(config), *words, "--no-such-option") == 2


def test_a_missing_argument_and_an_unknown_command_are_wrong_arguments(tmp_path: Path) -> None:
    assert (status("import-archive"), status("no-such-command"), status("token", "add")) == (2, 2, 2)


def test_success_is_0(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert [status(*words) for words in (["--version"], ["--help"], ["install-files", "--root", root])] == [0, 0, 0]


def test_a_problem_of_the_host_is_a_failure_of_check(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime").chmod(0o777)
    config.write_text(f"system:\n  source: demo:nodes=20,jobs=1\n  runtime_dir: {tmp_path / 'runtime'}\n")
    assert status("--config", str(config), "check") == 1
    (tmp_path / "runtime").chmod(0o700)
    assert status("--config", str(config), "check") == 0
