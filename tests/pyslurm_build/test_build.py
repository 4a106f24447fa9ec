"""The parts of the build that need no Slurm: the check of tools, failing steps, invalid options."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.__main__ import without_pyslurm
from slurm_rest_api.pyslurm_build.build import BuildPaths, check_compiler, install_wheel
from slurm_rest_api.pyslurm_build.host import find_commands


def test_complete_host_passes(tmp_path: Path) -> None:
    (tmp_path / "Python.h").touch()
    seen: list[str] = []

    def which(name: str) -> str:
        seen.append(name)
        return f"/usr/bin/{name}"

    check_compiler("gcc -m64", tmp_path, which)
    assert seen == ["gcc"]


def test_names_every_missing_tool_and_its_packages(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable) as raised:
        check_compiler("gcc", tmp_path, lambda _: None)
    text = str(raised.value)
    assert f"a C compiler (gcc) and Python's headers ({tmp_path}/Python.h)" in text
    assert "apt-get install gcc libc6-dev python3-dev" in text
    assert f"dnf install gcc python3.{sys.version_info.minor}-devel" in text


def test_failed_step_is_named_with_the_end_of_the_log(tmp_path: Path) -> None:
    paths = BuildPaths(folder=tmp_path, log=tmp_path / "build.log", locks=tmp_path)
    with pytest.raises(SourceUnusable) as raised:
        install_wheel(tmp_path / "absent.whl", Path(sys.executable), paths, tmp_path / "staged")
    assert str(raised.value).startswith(f"Could not install the wheel. The end of the log {tmp_path}/build.log:")
    assert "absent.whl" in str(raised.value)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--pyslurm_version=newest",
            "Invalid --pyslurm_version: 'newest'. Expected a number, a tag or a branch of pyslurm",
        ),
        ("--override_pyslurm_version_hex=26.05", "Expected six hexadecimal digits"),
        ("--pyslurm_arguments=fast", "Invalid --pyslurm_arguments: 'fast'. Expected NAME=VALUE"),
        ("--pyslurm_arguments=--slurm=/nonexistent", "pyslurm cannot be built"),
    ],
)
def test_command_explains_a_refusal(tmp_path: Path, option: str, message: str) -> None:
    command = [sys.executable, "-m", "slurm_rest_api.pyslurm_build", f"--locks={tmp_path}", option]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("build.sh: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def build(folder: Path, *options: str, commands: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs the command on a host with these commands of Slurm in `folder`/bin, and without Slurm's headers."""
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    for name in commands:
        (bin_dir / name).write_text("#!/bin/sh\n")
        (bin_dir / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"}
    environ |= {"SLURM_INCLUDE_DIR": "/nonexistent", "SLURM_LIB_DIR": "/nonexistent"}
    command = [sys.executable, "-m", "slurm_rest_api.pyslurm_build", f"--locks={folder}", *options]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_host_with_slurms_commands_needs_no_pyslurm(tmp_path: Path) -> None:
    done = build(tmp_path, commands=("scontrol", "squeue", "sdiag"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No pyslurm was installed. pyslurm cannot be built, because Slurm's headers and")
    assert done.stdout.endswith(
        f"The service works without pyslurm: it reads the cluster with Slurm's commands in {tmp_path}/bin.\n"
    )


@pytest.mark.skipif(find_commands() is not None, reason="this host has Slurm's commands")
@pytest.mark.parametrize("commands", [(), ("scontrol", "squeue")])
def test_a_host_with_neither_is_a_failure_that_says_so(tmp_path: Path, commands: tuple[str, ...]) -> None:
    done = build(tmp_path, commands=commands)
    assert done.returncode == 1
    assert "libslurmfull.so are missing" in done.stderr
    assert "Slurm's commands (scontrol, squeue, sdiag) are missing, too" in done.stderr


@pytest.mark.parametrize("option", ["--require-pyslurm", "--pyslurm_version=25.11.2"])
def test_a_pyslurm_that_is_asked_for_must_be_installed(tmp_path: Path, option: str) -> None:
    done = build(tmp_path, option, commands=("scontrol", "squeue", "sdiag"))
    assert done.returncode == 1
    assert "libslurmfull.so are missing" in done.stderr


def test_commands_outside_of_path_need_a_setting() -> None:
    text = without_pyslurm("There is no compiler.", Path("/opt/slurm/bin"), "25.11.2", "/usr/local/bin:/usr/bin")
    assert text.splitlines() == [
        "No pyslurm was installed. There is no compiler.",
        "",
        "pyslurm 25.11.2 stays installed. The service uses it only if it fits this host's Slurm.",
        "The service works without pyslurm: it reads the cluster with Slurm's commands in /opt/slurm/bin.",
        "They are not in PATH. Set `slurm_bin_dir: /opt/slurm/bin` in section `system` of the configuration.",
    ]
