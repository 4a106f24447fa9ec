"""A deployment of the demonstration cluster on this machine: the installed files in a folder, and uWSGI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from slurm_rest_api.demo.scale import Scale
from tests.deployed.installation import Installation
from tests.deployed.uwsgi_server import Deployment
from tests.waiting import wait_for

USER: Final = "nobody"
GROUP: Final = "nogroup"
_AS_USER: Final = ("setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", "--")
INI: Final = "/etc/slurm-rest-api/slurm-rest-api.ini"
CONFIG: Final = "/etc/slurm-rest-api/config.yml"
UNIT: Final = "/etc/systemd/system/slurm-rest-api.service"
RUNTIME: Final = "/run/slurm-rest-api"
STATE: Final = "/var/lib/slurm-rest-api"
_MOVED: Final = re.compile(r"(?<![\w/])(/etc/slurm-rest-api|/run/slurm-rest-api|/var/lib/slurm-rest-api)")
# The installed version writes its own configuration. Earlier versions have other names for these modules.
_CONFIGURE: Final = """
import dataclasses, pathlib, sys
try:
    from slurm_rest_api.demo.cli_options import write_config
    from slurm_rest_api.demo.files import DemoFolder
except ImportError:
    from slurm_rest_api.demo.flag import write_config
    from slurm_rest_api.demo.folder import DemoFolder
from slurm_rest_api.demo.scale import Scale
demo, size = DemoFolder(pathlib.Path(sys.argv[1])), Scale(int(sys.argv[2]), int(sys.argv[3]))
# No test needs a longer past. The release before has no such limit.
size = dataclasses.replace(size, days=2) if hasattr(size, "days") else size
demo.prepare(size)
write_config(demo, size)
"""
SMALL: Final = Scale(40, 300)


@dataclass
class Site:
    """The files below `root`, where the paths in them lead, and the running deployment."""

    installation: Installation
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    running: list[Deployment] = field(default_factory=list)

    def path(self, inside: str) -> Path:
        """The file that the deployment knows as `inside`."""
        return self.root / inside.lstrip("/")

    @property
    def deployment(self) -> Deployment:
        """Returns the running deployment."""
        return self.running[-1]

    def install_files(self) -> list[str]:
        """Run `install-files` and give what it said."""
        command = [str(self.installation.venv / "bin/slurm-rest-api"), "install-files", "--root", str(self.root)]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.root).stdout.splitlines()
        for file in (INI, f"{INI}.new"):
            self.edit(file, r"\Z", "")
        return said

    def edit(self, inside: str, pattern: str, replacement: str) -> None:
        """Change an installed file; its paths lead into the root, however it was written."""
        path = self.path(inside)
        if path.exists():
            text = re.sub(pattern, replacement, path.read_text())
            inner = str(self.root)
            moved = _MOVED.sub(lambda match: f"{inner}{match[1]}", text)
            path.write_text(moved)

    def configure(self, extra: Mapping[str, Mapping[str, Any]], scale: Scale = SMALL) -> None:
        """Write config.yml: what the installed version writes with `--demo`, and `extra` by section."""
        folder = self.path(f"{STATE}/demo")
        words = [str(folder), str(scale.nodes), str(scale.jobs)]
        subprocess.run(
            [str(self.installation.venv / "bin/python"), "-c", _CONFIGURE, *words], check=True, cwd=self.root
        )
        sections = yaml.safe_load((folder / "config.yml").read_text())
        sections["system"] |= {"runtime_dir": str(self.path(RUNTIME)), "refresh_seconds": 1}
        for section, values in extra.items():
            sections[section] = {**sections.get(section, {}), **values}
        self.path(CONFIG).write_text(yaml.safe_dump(sections))
        subprocess.run(["chown", "-R", USER, str(self.path(STATE))], check=True)

    def start(self) -> Deployment:
        """Starts uWSGI with the command of the unit's ExecStart, and waits until its workers have loaded."""
        command = re.search(r"^ExecStart=(.*)$", self.path(UNIT).read_text(), re.MULTILINE)
        assert command is not None
        given = {"NOTIFY_SOCKET": "", **self.environ}
        words = command[1].replace("${NOTIFY_SOCKET}", given["NOTIFY_SOCKET"]).replace("/etc/", f"{self.root}/etc/")
        log = self.path("/uwsgi.log")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PROMETHEUS_"))}
        folders = {"RUNTIME_DIRECTORY": str(self.path(RUNTIME)), "STATE_DIRECTORY": str(self.path(STATE))}
        written = self._written()
        with log.open("a") as output:
            process = subprocess.Popen(
                [*_AS_USER, *words.split()],
                cwd="/",
                env={**clean, **folders, **given},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
        self.running.append(Deployment(process, log))
        # Not before all have loaded: uWSGI forgets a SIGTERM that comes while it starts.
        wait_for("the workers", lambda: self._loaded_since(written))
        return self.running[-1]

    def _written(self) -> int:
        log = self.path("/uwsgi.log")
        return log.stat().st_size if log.exists() else 0

    def _loaded_since(self, written: int) -> bool:
        """Returns True if the log says after `written` bytes that all running workers have loaded the application."""
        ended = self.deployment.process.poll()
        text = self.path("/uwsgi.log").read_bytes()[written:].decode(errors="replace")
        # The first traceback names the cause: uWSGI then interrupts its other workers, and they log theirs.
        first = text.find("Traceback")
        assert ended is None, f"uWSGI ended with status {ended}:\n{text[max(first, 0) :][:6000]}"
        # uWSGI logs a new worker after it has started it, so the log may lack one.
        spawned = {int(pid) for pid in re.findall(r"spawned uWSGI worker .*?pid: (\d+)", text)}
        loaded = {int(pid) for pid in re.findall(r"WSGI app 0 .* pid: (\d+)", text)}
        return bool(spawned) and spawned | set(self.deployment.workers()) <= loaded

    def stop(self) -> None:
        """Stops the deployment. Its exit status must be 0, or systemd would report a failure."""
        stopped = self.running.pop()
        stopped.stop()
        assert stopped.process.returncode == 0, stopped.log.read_text(errors="replace")[-3000:]

    def ask_for_reload(self) -> subprocess.CompletedProcess[str]:
        """Runs the command of the unit's ExecReload as the service's user."""
        command = re.search(r"^ExecReload=(.*)$", self.path(UNIT).read_text(), re.MULTILINE)
        assert command is not None
        words = command[1].replace("$MAINPID", str(self.deployment.master))
        moved = _MOVED.sub(lambda match: f"{self.root}{match[1]}", words)
        return subprocess.run([*_AS_USER, *moved.split()], cwd="/", capture_output=True, text=True, check=False)

    def reload(self) -> None:
        """Reloads as `systemctl reload` does, and waits until all workers are new."""
        old, written = set(self.deployment.workers()), self._written()
        done = self.ask_for_reload()
        assert done.returncode == 0, done.stderr
        wait_for("new workers", lambda: len(set(self.deployment.workers()) - old) >= len(old))
        wait_for("the new workers to have loaded", lambda: self._loaded_since(written))


@contextmanager
def demo_site(
    installation: Installation,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    processes: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Installs the files, configures the demo and starts it with `processes` workers. Removes all of it afterwards."""
    root = Path(tempfile.mkdtemp(prefix="sra-", dir="/var/tmp"))
    root.chmod(0o755)
    site = Site(installation, root, environ or {})
    try:
        site.install_files()
        for folder in (RUNTIME, STATE):
            site.path(folder).mkdir(parents=True, mode=0o750)
            shutil.chown(site.path(folder), USER, GROUP)
        site.configure(extra or {})
        if processes is not None:
            site.edit(INI, r"\nprocesses = \d+\n", f"\nprocesses = {processes}\n")
        site.start()
        yield site
    finally:
        while site.running:
            site.stop()
        shutil.rmtree(root)
