"""Throw-away Debian roots in which packages are installed: layers over the fresh machine's root."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.deployed.service_manager import ServiceManager
from tests.deployed.uwsgi_server import Deployment
from tests.fresh.machine import CHECKOUT, FreshMachine
from tests.testbed.layout import Layout
from tests.testbed.mounts import mount_system, unmount_all
from tests.testbed.processes import end_all
from tests.testbed.shell import Shell
from tests.testbed.steps import run_command
from tests.waiting import wait_for

USER: Final = "slurm-rest-api"
UNIT: Final = "/usr/lib/systemd/system/slurm-rest-api.service"
_SYSTEMCTL_LOG: Final = "/var/log/systemctl"
# The scripts of a package call it only where systemd runs.
_SYSTEMCTL: Final = f"""\
#!/bin/sh
echo "$@" >>{_SYSTEMCTL_LOG}
"""


@dataclass(frozen=True)
class PackageRoot:
    """A Debian root with Python. It has a `systemctl` that writes down its arguments, in place of systemd."""

    layout: Layout

    @property
    def shell(self) -> Shell:
        """Runs commands inside."""
        return Shell(self.layout.root)

    def path(self, inside: str) -> Path:
        """Returns the path on the host of a file inside."""
        return self.layout.inside(inside)

    def stat(self, inside: str) -> str:
        """Returns mode, owner and group of a file, such as `640 root:slurm-rest-api`."""
        return self.shell.output("stat", "--format=%a %U:%G", inside).strip()

    def systemctl_calls(self) -> list[str]:
        """Returns the arguments of each `systemctl` since the last call of this function."""
        log = self.path(_SYSTEMCTL_LOG)
        calls = log.read_text().splitlines()
        log.write_text("")
        return calls

    @contextmanager
    def running_service(self, manager: ServiceManager, log: Path) -> Iterator[None]:
        """Runs the unit's ExecStart as its user, with the folders that systemd makes. Stops it afterwards."""
        socket = "/run/notify.sock"
        target = self.path(socket)
        target.touch()
        run_command(["mount", "--bind", manager.environ["NOTIFY_SOCKET"], str(target)])
        self.shell.run(["install", "-d", "-m", "0750", "-o", USER, "-g", USER, "/run/slurm-rest-api"])
        folders = {"RUNTIME_DIRECTORY": "/run/slurm-rest-api", "STATE_DIRECTORY": "/var/lib/slurm-rest-api"}
        words = self._command("ExecStart").replace("${NOTIFY_SOCKET}", socket).split()
        environ = {**manager.environ, **folders, "NOTIFY_SOCKET": socket}
        deployment = Deployment(self.shell.popen(words, user=USER, cwd="/", env=environ, log=log), log)
        try:
            wait_for("READY=1", lambda: any("READY=1" in message for message in manager.messages))
            yield
        finally:
            deployment.stop()

    def reload_service(self) -> None:
        """Runs the unit's ExecReload as its user."""
        self.shell.run(self._command("ExecReload").split(), user=USER, cwd="/")

    def get(self, path: str) -> subprocess.CompletedProcess[str]:
        """Sends a request to the socket of the watchdog helper, which is uWSGI's only one with HTTP."""
        socket = self.path("/run/slurm-rest-api/watch.sock")
        return run_command(["curl", "-sf", "--unix-socket", str(socket), f"http://localhost{path}"], check=False)

    def _command(self, name: str) -> str:
        (command,) = re.findall(rf"^{name}=(.*)$", self.path(UNIT).read_text(), re.MULTILINE)
        return str(command)


@contextmanager
def package_root(machine: FreshMachine, base: Path) -> Iterator[PackageRoot]:
    """Makes a root in the folder `base`, and removes it afterwards. The machine's own root stays as it is."""
    layout = Layout(base=base, checkout=CHECKOUT)
    for folder in (layout.root, base / "upper", base / "work"):
        folder.mkdir()
    options = f"lowerdir={machine.layout.root},upperdir={base / 'upper'},workdir={base / 'work'}"
    run_command(["mount", "-t", "overlay", "-o", options, "overlay", str(layout.root)])
    root = PackageRoot(layout)
    try:
        mount_system(layout)
        root.path("/run/systemd/system").mkdir(parents=True)
        systemctl = root.path("/usr/bin/systemctl")
        systemctl.write_text(_SYSTEMCTL)
        systemctl.chmod(0o755)
        root.path(_SYSTEMCTL_LOG).write_text("")
        yield root
    finally:
        end_all(layout.root)
        unmount_all(layout)
