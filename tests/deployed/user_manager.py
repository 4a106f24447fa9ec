"""systemd itself, as the manager of a user's services: it starts, watches and restarts like the one of a host."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.waiting import wait_for

PROGRAM: Final = "/usr/lib/systemd/systemd"
# It starts only where a host's systemd runs, which it tells by a folder: its /run is one of its own. Who is told of its
# sockets' names may write to them.
_LAUNCH: Final = """
for group; do echo $$ >"$group/cgroup.procs" || exit 3; done
umask 0 && mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$0" --user --unit=basic.target
"""


class ControlGroups:
    """A control group of one's own in every hierarchy.

    A manager takes all processes of the group that it is started in for its own, and moves them: that may be everything
    that runs on this machine.
    """

    def __init__(self, name: str) -> None:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        self.folders = [Path(place) / name for _what, place, kind, *_rest in mounts if kind in ("cgroup", "cgroup2")]
        for folder in self.folders:
            folder.mkdir()
            for setting in ("cpuset.cpus", "cpuset.mems"):
                # Nothing can be put into a group that has neither.
                if (folder / setting).exists():
                    (folder / setting).write_text((folder.parent / setting).read_text())

    def remove(self) -> None:
        """Remove them with those that were made below; nothing may run there any more."""
        for folder in self.folders:
            below = [path for path in folder.rglob("*") if path.is_dir()]
            for path in [*sorted(below, reverse=True), folder]:
                path.rmdir()


class UserManager:
    """A running manager, which knows the units in `units` and those that systemd brings."""

    def __init__(self, folder: Path, units: Path) -> None:
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "SYSTEMD_UNIT_PATH": f"{units}:/usr/lib/systemd/user",
        }
        self._groups = ControlGroups(folder.name)
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _LAUNCH, PROGRAM, *map(str, self._groups.folders)],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for("systemd to answer", lambda: self.run("is-active", "basic.target", check=False) == "active")

    def run(self, *words: str, check: bool = True) -> str:
        """What `systemctl` prints."""
        command = ["systemctl", "--user", *words]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def facts(self, unit: str) -> Mapping[str, str]:
        """The properties of a unit."""
        return dict(line.split("=", 1) for line in self.run("show", unit).splitlines())

    def close(self) -> None:
        """End it and what it runs."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        self._groups.remove()


@contextmanager
def user_manager(units: Path) -> Iterator[UserManager]:
    """A manager for the units in a folder; it is gone afterwards, and all that it has started."""
    # Short: the path of a socket must not be longer than 107 letters.
    ours = Path("/proc/self/cgroup").read_text()
    with tempfile.TemporaryDirectory(prefix="sra-", dir="/var/tmp") as folder:
        # What it runs as another user tells it over a socket in there that all is well.
        Path(folder).chmod(0o711)
        manager = UserManager(Path(folder), units)
        try:
            yield manager
        finally:
            manager.close()
            assert Path("/proc/self/cgroup").read_text() == ours
