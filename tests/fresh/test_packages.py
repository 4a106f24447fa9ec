"""The Debian package and the RPM: installed, run, upgraded and removed in an empty Debian root."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from slurm_rest_api.version import __version__
from tests.debian import program
from tests.deployed.service_manager import ServiceManager, service_manager
from tests.fresh.machine import CHECKOUT, FreshMachine
from tests.fresh.package_root import UNIT, USER, PackageRoot, package_root
from tests.testbed.steps import run_command
from tests.waiting import wait_for

CONFIG: Final = "/etc/slurm-rest-api/config.yml"
INI: Final = "/etc/slurm-rest-api/slurm-rest-api.ini"
STATE: Final = "/var/lib/slurm-rest-api"
PROGRAM: Final = "/opt/slurm-rest-api/bin/slurm-rest-api"
MODES: Final = {
    "/etc/slurm-rest-api": f"750 root:{USER}",
    CONFIG: f"640 root:{USER}",
    INI: "644 root:root",
    STATE: f"750 {USER}:{USER}",
    UNIT: "644 root:root",
    "/usr/share/slurm-rest-api/sample-block-nginx.conf": "644 root:root",
    "/opt/slurm-rest-api/bin/uwsgi": "755 root:root",
}
# A demonstration cluster without a past, so that the archive has what the service itself has stored.
_DEMO: Final = """\
system:
  source: demo:nodes=40,jobs=300
  refresh_seconds: 1
  archive_usage_load: true
  archive_wait_time: 1
"""
_NEXT: Final = "99.0.0"
_MAINTAINER: Final = "Our site <admins@example.org>"
# Python checks the time of the source in the header of a compiled file (importlib's _validate_timestamp_pyc).
_STALE: Final = """
import pathlib, struct, sys
stale = []
for source in pathlib.Path("/opt/slurm-rest-api/lib").rglob("*.py"):
    compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    if "slurm_rest_api" in source.parts and (
        not compiled.exists()
        or struct.unpack("<I", compiled.read_bytes()[8:12])[0] != int(source.stat().st_mtime)
    ):
        stale.append(str(source))
print(*stale, sep="\\n", end="")
"""
_INSTALLED: Final = """
import importlib.metadata, json
print(json.dumps({one.name: one.version for one in importlib.metadata.distributions()}))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds both packages with the one command. Returns their folder."""
    folder = tmp_path_factory.mktemp("packages")
    command = ["bash", str(CHECKOUT / "packaging/build.sh"), f"--output={folder}", f"--maintainer={_MAINTAINER}"]
    subprocess.run(command, check=True, cwd="/")
    return folder


@pytest.fixture
def root(machine: FreshMachine, tmp_path: Path) -> Iterator[PackageRoot]:
    """A Debian root in which nothing is installed yet."""
    with package_root(machine, tmp_path) as root:
        yield root


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    with service_manager() as manager:
        yield manager


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def dpkg(root: PackageRoot, *arguments: str) -> None:
    # As unattended upgrades do: a changed configuration file stays.
    root.shell.run(["dpkg", "--force-confdef", "--force-confold", *arguments])


def next_version(deb: Path, folder: Path) -> Path:
    """Returns the package with the version `_NEXT`, whose service knows it and whose config.yml is another."""
    content = folder / "next"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(content)], check=True)
    control = content / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {_NEXT}", control.read_text(), flags=re.MULTILINE))
    version = one(content, "opt/slurm-rest-api/lib/python3*/site-packages/slurm_rest_api/version.py")
    version.write_text(f'__version__ = "{_NEXT}"\n')
    config = content / CONFIG.lstrip("/")
    config.write_text(f"{config.read_text()}# of the next version\n")
    target = folder / "next.deb"
    # Owners in a raw extract are numbers of this host, and the group of the service is not known here.
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--build", str(content), str(target)], check=True)
    return target


def answered(root: PackageRoot, path: str) -> Any:
    """Returns the JSON of an answer, or None while there is none."""
    done = root.get(path)
    return json.loads(done.stdout) if done.returncode == 0 else None


def sample_times(root: PackageRoot) -> set[int]:
    answer = answered(root, "/load?since=now-1hour")
    return {sample["time"] for sample in answer["data"]} if answer else set()


def installed_version(root: PackageRoot) -> str | None:
    document = answered(root, "/openapi/openapi.json")
    return document["info"]["version"] if document else None


def test_debian_package_is_installed_runs_is_upgraded_and_removed(
    packages: Path, root: PackageRoot, manager: ServiceManager, tmp_path: Path
) -> None:
    deb = one(packages, "*.deb")
    assert run_command(["dpkg-deb", "--field", str(deb), "Maintainer"]).stdout.strip() == _MAINTAINER
    root.path("/srv/one.deb").write_bytes(deb.read_bytes())
    dpkg(root, "--install", "/srv/one.deb")
    assert {path: root.stat(path) for path in MODES} == MODES
    assert root.systemctl_calls() == ["daemon-reload", "try-reload-or-restart slurm-rest-api.service"]
    assert root.shell.output("/opt/slurm-rest-api/bin/python", "-c", _STALE) == ""
    assert __version__ in root.shell.output(PROGRAM, "--version", user=USER)
    bill = json.loads(root.path("/usr/share/doc/slurm-rest-api/slurm-rest-api.cdx.json").read_text())
    assert bill["metadata"]["component"]["version"] == __version__
    installed = json.loads(root.shell.output("/opt/slurm-rest-api/bin/python", "-c", _INSTALLED))
    assert {one["name"]: one["version"] for one in bill["components"]} | {"slurm-rest-api": __version__} == installed
    owned = set(root.shell.output("dpkg-query", "--listfiles", "slurm-rest-api").split())
    assert not [name for name in owned if name.endswith("/site-packages/pyslurm")]

    root.path(CONFIG).write_text(_DEMO)
    with root.running_service(manager, tmp_path / "uwsgi.log"):
        assert len(wait_for("nodes", lambda: answered(root, "/nodes"))["data"]) == 40
        samples = wait_for("samples", lambda: sample_times(root))

        root.path("/srv/next.deb").write_bytes(next_version(deb, tmp_path).read_bytes())
        dpkg(root, "--install", "/srv/next.deb")
        assert root.systemctl_calls() == ["daemon-reload", "try-reload-or-restart slurm-rest-api.service"]
        assert root.path(CONFIG).read_text() == _DEMO
        assert root.stat(CONFIG) == MODES[CONFIG]
        assert root.path(f"{CONFIG}.dpkg-dist").read_text().endswith("# of the next version\n")
        root.reload_service()
        wait_for("the next version", lambda: installed_version(root) == _NEXT)
        assert samples <= sample_times(root)

    dpkg(root, "--remove", "slurm-rest-api")
    calls = root.systemctl_calls()
    assert calls == ["--no-reload disable --now slurm-rest-api.service", "daemon-reload"]
    assert not root.path("/opt/slurm-rest-api").exists()
    assert not root.path(UNIT).exists()
    assert root.path(CONFIG).read_text() == _DEMO
    assert root.path(f"{STATE}/archive.sqlite").is_file()

    dpkg(root, "--purge", "slurm-rest-api")
    assert [path for path in ("/etc/slurm-rest-api", STATE, "/run/slurm-rest-api") if root.path(path).exists()] == []


def test_rpm_is_installed_replaced_and_removed(packages: Path, root: PackageRoot) -> None:
    # Debian has no packages that rpm knows, so the dependencies are compared and not resolved.
    rpm, package = program("rpm"), str(one(packages, "*.rpm"))

    def run(*arguments: str) -> str:
        command = [rpm, "--root", str(root.layout.root), *arguments]
        return run_command(command).stdout

    people = run("--query", "--package", "--queryformat=%{PACKAGER}, %{VENDOR}", package)
    assert people == f"{_MAINTAINER}, Our site"
    python = root.path("/usr/bin/python3").readlink()
    requires = run("--query", "--package", "--requires", package).splitlines()
    assert {f"/usr/bin/{python.name}", "shadow-utils"} <= set(requires)
    run("--install", "--nodeps", package)
    assert {path: root.stat(path) for path in MODES} == MODES
    assert root.shell.output("/opt/slurm-rest-api/bin/python", "-c", _STALE) == ""
    assert __version__ in root.shell.output(PROGRAM, "--version", user=USER)
    assert "2.0." in root.shell.output("/opt/slurm-rest-api/bin/uwsgi", "--version", user=USER)
    assert run("--verify", "--nodeps", "slurm-rest-api") == ""

    root.path(CONFIG).write_text(_DEMO)
    archive = root.path(f"{STATE}/archive.sqlite")
    archive.write_text("kept")
    root.systemctl_calls()
    # rpm erases the replaced package after the new one is installed, as at an upgrade.
    run("--upgrade", "--nodeps", "--replacepkgs", package)
    assert root.path(CONFIG).read_text() == _DEMO
    assert [call for call in root.systemctl_calls() if "disable" in call] == []

    run("--erase", "slurm-rest-api")
    assert "--no-reload disable --now slurm-rest-api.service" in root.systemctl_calls()
    assert not root.path("/opt/slurm-rest-api").exists()
    assert root.path(f"{CONFIG}.rpmsave").read_text() == _DEMO
    assert archive.read_text() == "kept"
