"""The shell scripts: their options, refusals and messages."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.completeness import PARTS
from tests.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("build.sh", "run.sh", "tests.sh", "packaging/build.sh")
PACKAGE_SCRIPTS = [f"packaging/scripts/{name}.sh" for name in ("preinstall", "postinstall", "preremove", "postremove")]
OTHER_SHELL_FILES = ("requirements/environment.sh", "requirements/javascript.sh", "requirements/lock.sh", ".ci/run")
LOCKS = (
    "run.lock", "dev.lock", "pyslurm-build.lock", "pyslurm-build-cython0.lock", "package.lock", "package-tools.lock",
)  # fmt: skip


def run_script(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **variables}
    return subprocess.run(
        ["bash", str(ROOT / name), *arguments],
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=GIVE_UP_SECONDS,
    )


@pytest.mark.parametrize("name", [*SCRIPTS, *OTHER_SHELL_FILES, *PACKAGE_SCRIPTS])
def test_is_valid_bash(name: str) -> None:
    done = subprocess.run(["bash", "-n", str(ROOT / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_explains_the_script_and_does_nothing(name: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "venv")
    done = run_script(name, "--help", SLURM_REST_API_VENV=folder, SLURM_REST_API_TEST_VENV=folder)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: bash {name}")
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (
            "build.sh",
            [
                "--help",
                "--pyslurm_version",
                "--pyslurm_source",
                "--pyslurm_mirror",
                "--override_pyslurm_version_hex",
                "--pyslurm_arguments",
                "--require-pyslurm",
                "--no-pyslurm",
            ],
        ),
        ("run.sh", ["--config", "--host", "--port", "--demo", "--demo-nodes", "--demo-jobs", "--help"]),
        ("packaging/build.sh", ["--wheel", "--output", "--format=deb|rpm", "--maintainer", "--help"]),
        ("tests.sh", ["--all", "--help", *(f"--{part}" for part in PARTS), "--lowest"]),
    ],
)
def test_unknown_argument_is_refused_with_the_known_ones(name: str, known: list[str]) -> None:
    done = run_script(name, "--not-an-option")
    assert done.returncode == 2
    assert "unknown argument '--not-an-option'" in done.stderr
    assert [option for option in known if option not in done.stderr] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_names_every_known_option(name: str) -> None:
    refusal = run_script(name, "--not-an-option").stderr.lower().partition("known: ")[2]
    known = [word.split("=")[0].rstrip(",\n") for word in refusal.split() if word.startswith("--")]
    explained = run_script(name, "--help").stdout
    assert len(known) >= 2
    assert [option for option in known if option not in explained] == []


def test_all_refuses_a_part_that_it_contains() -> None:
    done = run_script("tests.sh", "--all", "--browser")
    assert done.returncode == 2
    assert "--all contains every part. Leave --browser out." in done.stderr


def test_all_runs_every_part() -> None:
    text = (ROOT / "tests.sh").read_text(encoding="utf-8")
    found = re.search(r"^known_parts=\((.*)\)$", text, re.MULTILINE)
    assert found is not None
    # The soak takes half an hour, and is a part that only `--soak` runs.
    assert set(found[1].split()) == {*PARTS, "lowest"} - {"soak"}


def test_build_refuses_contradicting_options() -> None:
    done = run_script("build.sh", "--no-pyslurm", "--pyslurm_version=25.11.2")
    assert done.returncode == 2
    assert "--no-pyslurm cannot be combined with --pyslurm_version" in done.stderr


def test_build_refuses_a_folder_that_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    done = run_script("build.sh", "--no-pyslurm", SLURM_REST_API_VENV=str(tmp_path))
    assert done.returncode == 1
    assert "is not a Python environment" in done.stderr
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "precious"


def test_build_names_the_packages_of_python(tmp_path: Path) -> None:
    for tool in ("bash", "dirname", "cat"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    done = run_script("build.sh", "--no-pyslurm", PATH=str(tmp_path), SLURM_REST_API_VENV=str(tmp_path / "venv"))
    assert done.returncode == 1
    assert "no Python of at least 3.11" in done.stderr
    assert "apt-get install python3" in done.stderr
    assert "dnf install python3.11" in done.stderr


def test_build_takes_the_python_that_is_named(tmp_path: Path) -> None:
    environ = {"SLURM_REST_API_VENV": str(tmp_path / "venv"), "SLURM_REST_API_PYTHON": "python3.99"}
    done = run_script("build.sh", "--no-pyslurm", **environ)
    assert done.returncode == 1
    assert "SLURM_REST_API_PYTHON=python3.99 is not a Python of at least 3.11. Name another one." in done.stderr


def test_build_names_the_package_of_venv(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(
        '#!/bin/sh\ncase "$2" in *version_info\\ *) exit 0;; *ensurepip*) exit 1;; *) echo 3.12;; esac\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    path = f"{python.parent}:{os.environ['PATH']}"
    done = run_script("build.sh", "--no-pyslurm", PATH=path, SLURM_REST_API_VENV=str(tmp_path / "venv"))
    assert done.returncode == 1
    assert f"{python} cannot make virtual environments" in done.stderr
    assert "apt-get install python3-venv   (python3.12-venv, if" in done.stderr


def test_packages_are_refused_a_python_that_no_package_of_the_system_has(tmp_path: Path) -> None:
    python = tmp_path / "python3.11"
    python.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    python.chmod(0o755)
    tools = tmp_path / "tools"
    environ = {"SLURM_REST_API_PYTHON": str(python), "SLURM_REST_API_PACKAGING_VENV": str(tools)}
    done = run_script("packaging/build.sh", f"--output={tmp_path}", **environ)
    assert (done.returncode, tools.exists()) == (1, False)
    assert f"{python} is in no package of the system. Name a Python in /usr/bin" in done.stderr


def test_packages_are_built_of_a_wheel_that_exists(tmp_path: Path) -> None:
    done = run_script("packaging/build.sh", f"--wheel={tmp_path}/absent.whl")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no wheel {tmp_path}/absent.whl. Build one: leave --wheel out." in done.stderr


@pytest.mark.parametrize(
    "maintainer", ["root", "root@host", "Our site <root>", "<root@host>", "Our site <root@host> x"]
)
def test_packages_are_refused_a_maintainer_without_a_name_or_an_address(maintainer: str) -> None:
    done = run_script("packaging/build.sh", f"--maintainer={maintainer}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"the maintainer is '{maintainer}'. Give a name and an address: --maintainer=" in done.stderr


def test_run_without_an_environment_names_build_sh(tmp_path: Path) -> None:
    done = run_script("run.sh", SLURM_REST_API_VENV=str(tmp_path / "absent"))
    assert done.returncode == 1
    assert "Create it: bash build.sh" in done.stderr


@pytest.mark.parametrize("arguments", [["--port"], ["--port="], ["--host", ""], ["--demo-nodes="]])
def test_run_refuses_an_option_without_a_value(arguments: list[str]) -> None:
    done = run_script("run.sh", *arguments)
    assert done.returncode == 2
    assert f"{arguments[0].rstrip('=')} needs a value" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["run"]),
        (["--port", "8080", "--config", "my file.yml"], ["--config=my file.yml", "run", "--port=8080"]),
        (["--host=::1", "--config=c.yml", "--port=0"], ["--config=c.yml", "run", "--host=::1", "--port=0"]),
    ],
)
def test_run_execs_the_service(tmp_path: Path, arguments: list[str], expected: list[str]) -> None:
    command = tmp_path / "bin" / "slurm-rest-api"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\necho "pid $$"\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environ = {**os.environ, "SLURM_REST_API_VENV": str(tmp_path)}
    with subprocess.Popen(
        ["bash", str(ROOT / "run.sh"), *arguments], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        out, _ = process.communicate(timeout=GIVE_UP_SECONDS)
    # The same process id: signals of the caller reach the service itself.
    assert out.splitlines() == [f"pid {process.pid}", *expected]


def test_ci_runs_every_test() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "tests.sh" in line] == ["exec bash tests.sh --all"]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_every_package_with_a_checksum(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    packages = [part for part in text.replace("\\\n", "").splitlines() if part and not part.lstrip().startswith("#")]
    assert packages
    assert [line for line in packages if "==" not in line or "--hash=sha256:" not in line] == []
