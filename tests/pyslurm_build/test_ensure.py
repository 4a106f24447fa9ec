"""The command from its options to an installed pyslurm, in an environment of its own, with stand-ins for pyslurm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pip
import pytest

from slurm_rest_api.pyslurm_build.unpack import tree_digest
from tests.pyslurm_build.stand_in import WebServer, packed, slurm, source
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
COMMIT = "2adb2da8b5a1ca5d1b94d94858dd4c406f9f2f07"
# A stand-in is built by the environment's own pip, needs no compiler and has none of pyslurm's faults.
DRIVER = """\
import sys
from pathlib import Path
from slurm_rest_api.pyslurm_build import __main__ as command, build, choice, ensure
from slurm_rest_api.pyslurm_build.pins import Pin
build.make_environment = lambda paths, lock: Path(sys.executable)
build.adjustments_for = lambda line: ()
ensure.check_compiler = lambda compiler: None
if pin := sys.argv.pop(1):
    choice.PINS = {(24, 11): Pin("24.11.x", *pin.split(","))}
sys.exit(command.main(sys.argv[1:]))
"""


@dataclass
class Host:
    """A host with Slurm 24.11.5 and an environment. `pin` is commit, SHA-256 and digest of the pinned revision."""

    folder: Path
    variables: dict[str, str]
    pin: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Path:
        return self.folder / "venv"

    @property
    def command(self) -> list[str]:
        return [str(self.environment / "bin/python"), "-c", DRIVER, self.pin, f"--locks={ROOT}/requirements"]

    @property
    def environ(self) -> dict[str, str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.folder),
        }
        return {**own, **self.variables, **self.extra}

    def build(self, *options: str) -> str:
        """Runs the command, which must succeed, and returns its output."""
        done = subprocess.run([*self.command, *options], env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def failure(self, *options: str) -> str:
        """Runs the command, which must fail, and returns its message."""
        done = subprocess.run([*self.command, *options], env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    @contextmanager
    def building(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """Runs the command up to the middle of the build."""
        # A gate of its own, which stays open: a builder that the command has left may look late.
        gate = Path(tempfile.mkdtemp(prefix="gate-", dir=self.folder)) / "open"
        reached = Path(f"{gate}.reached")
        environ = {**self.environ, "STAND_IN_GATE": str(gate)}
        with subprocess.Popen([*self.command, *options], env=environ, text=True, stderr=subprocess.PIPE) as process:
            try:
                wait_for("the build runs", reached.exists)
                yield process
            finally:
                gate.touch()

    @property
    def colour(self) -> str | None:
        """The colour of the stand-in that the environment imports, None if there is none."""
        code = "import os; os.environ['PYSLURM_DISABLE_AUTO_INIT'] = '1'; import pyslurm; print(pyslurm.COLOUR)"
        command = [str(self.environment / "bin/python"), "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    @property
    def record(self) -> dict[str, Any]:
        """The record of the last build."""
        found: dict[str, Any] = json.loads((self.environment / "slurm-rest-api-pyslurm.json").read_text())
        return found

    @property
    def builds(self) -> int:
        """The number of builds in the environment."""
        return len(list((self.environment / "slurm-rest-api-pyslurm").glob("build-*")))


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes an environment with pip alone. A copy of the tests' pip is much cheaper than ensurepip."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = folder / f"lib/python3.{sys.version_info.minor}/site-packages"
    shutil.copytree(Path(pip.__file__).parent, site / "pip")
    return folder


@pytest.fixture
def host(empty_environment: Path, tmp_path: Path) -> Host:
    """Makes a host with a copy of the environment."""
    shutil.copytree(empty_environment, tmp_path / "venv", symlinks=True)
    return Host(tmp_path, slurm(tmp_path / "slurm"))


def test_the_pinned_revision_is_installed_once(host: Host, web: WebServer) -> None:
    folder = source(host.folder / "p", colour="pinned")
    host.pin = f"{COMMIT},{'0' * 64},{tree_digest(folder)}"
    web.put(f"/archive/{COMMIT}.tar.gz", packed(folder))
    output = host.build(f"--pyslurm_mirror={web.url}")
    assert "It is the revision 2adb2da8b5a1 of its branch 24.11.x." in output
    assert host.colour == "pinned"
    assert host.record["installed"] == "24.11.0+adjusted"
    digest = tree_digest(source(host.folder / "q", colour="pinned"))
    assert host.record["source"] == {"kind": "revision", "name": COMMIT, "digest": digest, "line": "24.11"}
    built_with = host.environment / "slurm-rest-api-pyslurm/current/pyslurm/built_with.txt"
    assert built_with.read_text().splitlines() == [f"{host.folder}/slurm/lib", f"{host.folder}/slurm/include"]
    web.answers.clear()
    assert "pyslurm 24.11.0+adjusted is installed already" in host.build()


def test_tag_and_branch_of_the_same_version_are_told_apart(host: Host, web: WebServer) -> None:
    web.put("/archive/refs/tags/v24.11.0.tar.gz", packed(source(host.folder / "tag", colour="tag")))
    web.put("/archive/refs/heads/24.11.x.tar.gz", packed(source(host.folder / "branch", colour="branch")))
    mirror = f"--pyslurm_mirror={web.url}"
    output = host.build(mirror, "--pyslurm_version=v24.11.0")
    assert "The digest of what is of that name is not known in advance." in output
    assert (host.colour, host.record["installed"]) == ("tag", "24.11.0+adjusted")
    # A tag does not move, so that no network is needed.
    assert "is installed already" in host.build("--pyslurm_mirror=http://127.0.0.1:1", "--pyslurm_version=24.11.0")
    host.build(mirror, "--pyslurm_version=24.11.x")
    assert (host.colour, host.record["installed"]) == ("branch", "24.11.0+adjusted")
    assert host.builds == 1
    # The same files under another name are the same source.
    assert "is installed already" in host.build(f"--pyslurm_source={host.folder}/branch")
    # A branch moves.
    web.put("/archive/refs/heads/24.11.x.tar.gz", packed(source(host.folder / "branch", colour="moved")))
    host.build(mirror, "--pyslurm_version=24.11.x")
    assert host.colour == "moved"


def test_a_pyslurm_for_another_slurm_is_refused_after_it_is_known(host: Host) -> None:
    source(host.folder / "p", version="25.5.0")
    message = host.failure(f"--pyslurm_source={host.folder}/p")
    assert "pyslurm 25.5.0 is for Slurm 25.05, but this host has Slurm 24.11" in message
    assert "Run build.sh without the option" in message
    host.build(f"--pyslurm_source={host.folder}/p", "--override_pyslurm_version_hex=0x180b00")
    assert host.record["installed"] == "24.11.0+pyslurm25.5.0"


def test_failures_leave_the_installed_pyslurm(host: Host, web: WebServer) -> None:
    good = source(host.folder / "pyslurm-24.11.x", colour="good")
    before = tree_digest(good)
    host.build("--pyslurm_source=~/pyslurm-24.11.x")
    record = host.record
    broken = source(host.folder / "broken", package="raise ValueError('cannot work')\n")
    assert "cannot work. It was not installed." in host.failure(f"--pyslurm_source={broken}")
    (source(host.folder / "faulty") / "backend.py").write_text("raise SystemExit('no compiler')")
    assert "Could not compile pyslurm" in host.failure(f"--pyslurm_source={host.folder}/faulty")
    assert f"Cannot download {web.url}/p.tar.gz" in host.failure(f"--pyslurm_source={web.url}/p.tar.gz")
    assert (host.colour, host.record) == ("good", record)
    assert tree_digest(good) == before


def test_an_interrupted_build_leaves_the_installed_pyslurm(host: Host) -> None:
    host.build(f"--pyslurm_source={source(host.folder / 'first', colour='first')}")
    option = f"--pyslurm_source={source(host.folder / 'second', colour='second')}"
    with host.building(option) as process:
        process.terminate()
        process.wait()
        assert process.stderr is not None
        message = process.stderr.read()
    assert message == "build.sh: interrupted. The pyslurm that was installed before is unchanged.\n"
    assert not list(host.folder.glob("slurm-rest-api-*"))
    assert host.colour == "first"
    with host.building(option) as process:
        process.kill()
    assert host.colour == "first"
    host.build(option)
    assert (host.colour, host.builds) == ("second", 1)


def test_a_pyslurm_that_pip_installed_is_replaced(host: Host) -> None:
    python = str(host.environment / "bin/python")
    command = [python, "-m", "pip", "install", "--no-build-isolation", str(source(host.folder / "pip", colour="pip"))]
    subprocess.run(command, env=host.environ, check=True, capture_output=True)
    assert host.colour == "pip"
    host.build(f"--pyslurm_source={source(host.folder / 'new', colour='new')}")
    assert host.colour == "new"
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert [line.split() for line in listed.splitlines() if "pyslurm" in line] == [["pyslurm", "24.11.0+adjusted"]]


def test_version_and_source_exclude_each_other(host: Host) -> None:
    message = host.failure("--pyslurm_version=24.11.x", "--pyslurm_source=/tmp")
    assert message == "build.sh: --pyslurm_version cannot be combined with --pyslurm_source. Give one of them.\n"
