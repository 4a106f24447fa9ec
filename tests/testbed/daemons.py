"""The daemons of the cluster: their names, how each is started, and the command that shows that it answers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .ports import Ports
from .processes import process_state, send_signal
from .shell import Shell
from .slurmconf import DATABASE_PASSWORD
from .slurmnodes import NODES, RESTD_USER
from .steps import TestbedError, run_command, wait_until
from .suites import Suite

PIDS_IN_ROOT = "/run/testbed"
LOGS_IN_ROOT = "/var/log/slurm"

# Runs as root inside the root: writes its process id to a file, then becomes the daemon.
_LAUNCHER = 'echo $$ >"$1"; exec >>"$2" 2>&1 </dev/null; shift 2; exec "$@"'


@dataclass(frozen=True)
class Daemon:
    """One daemon. The command `answers` ends with status 0 inside the root once the daemon can be used."""

    name: str
    argv: tuple[str, ...]
    answers: tuple[str, ...]
    user: str = "root"
    env: Mapping[str, str] = field(default_factory=dict)


def all_daemons(suite: Suite, ports: Ports) -> list[Daemon]:
    """Returns every daemon of the suite's cluster in starting order."""
    client = ("mariadb", "-h127.0.0.1", f"-P{ports.mariadb}", "-uroot", f"-p{DATABASE_PASSWORD}", "-e", "SELECT 1")
    restd = ("slurmrestd", "-a", "rest_auth/jwt", "-s", "openapi/slurmctld,openapi/slurmdbd")
    daemons = [
        Daemon("munged", ("munged", "--foreground"), ("sh", "-c", "munge -n | unmunge"), "munge"),
        Daemon("mariadb", ("mariadbd", "--defaults-file=/etc/testbed-mariadb.cnf"), client, "mysql"),
        Daemon("slurmdbd", ("slurmdbd", "-D"), ("sacctmgr", "-n", "show", "cluster")),
        Daemon("slurmctld", ("slurmctld", "-D"), ("scontrol", "show", "partition")),
        *(Daemon(f"slurmd-{name}", ("slurmd", "-D", "-N", name), _listens(ports.slurmd + n))
          for n, name in enumerate(NODES)),
    ]  # fmt: skip
    if suite.is_whole:
        argv = (*restd, f"127.0.0.1:{ports.slurmrestd}")
        daemons.append(Daemon("slurmrestd", argv, _listens(ports.slurmrestd), RESTD_USER, {"SLURM_JWT": "daemon"}))
    return daemons


def _listens(port: int) -> tuple[str, ...]:
    return ("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}")


class Daemons:
    """Starts, stops and inspects the daemons inside one root."""

    def __init__(self, shell: Shell, suite: Suite, ports: Ports) -> None:
        self._shell = shell
        self._known = {daemon.name: daemon for daemon in all_daemons(suite, ports)}

    @property
    def names(self) -> list[str]:
        """All names, in starting order."""
        return list(self._known)

    def pid(self, name: str) -> int | None:
        """Returns the process id of a running daemon, or None."""
        self._daemon(name)
        try:
            pid = int(self._pid_file(name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if process_state(pid, self._shell.root) else None

    def is_frozen(self, name: str) -> bool:
        """Returns True if the daemon is stopped (SIGSTOP)."""
        pid = self.pid(name)
        return pid is not None and process_state(pid, self._shell.root) == "T"

    def start(self, name: str, *, wait: bool = True) -> bool:
        """Starts the daemon, or continues a frozen one. Returns False if it was already running.

        With `wait` it returns only once the daemon answers.
        """
        daemon = self._daemon(name)
        if (pid := self.pid(name)) is not None:
            send_signal(pid, signal.SIGCONT)
            return False
        self._pid_file(name).unlink(missing_ok=True)
        inner = self._shell.argv(daemon.argv, daemon.user)[2:]
        launcher = ["sh", "-c", _LAUNCHER, "sh", f"{PIDS_IN_ROOT}/{name}.pid", self._log(name), *inner]
        # --fork: the daemon becomes a child of init, so it outlives its starter and leaves no zombie.
        command = ["setsid", "--fork", *self._shell.argv(launcher)]
        run_command(command, env=self._shell.environment(daemon.user, daemon.env))
        if wait:
            self.wait_answers(name)
        return True

    def wait_answers(self, name: str) -> None:
        """Waits until the daemon answers. Raises TestbedError with the end of its log if it does not."""
        daemon = self._daemon(name)

        def probe() -> str:
            if self.pid(name) is None and self._pid_file(name).exists():
                raise TestbedError(f"{name} has ended")
            done = self._shell.run(daemon.answers, check=False)
            return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or "no answer"

        self._explained(name, lambda: wait_until(f"{name} to answer", probe, lambda seen: not seen))

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends the daemon (SIGKILL for a crash) and waits until it is gone. Does nothing if it is not running."""
        pid = self.pid(name)
        if pid is None:
            return
        send_signal(pid, number)
        send_signal(pid, signal.SIGCONT)
        wait_until(f"{name} (process {pid}) to end", lambda: self.pid(name), lambda seen: seen is None)

    def freeze(self, name: str) -> None:
        """Suspends the daemon (SIGSTOP): it keeps its port and answers nothing until `thaw`."""
        self._signal_running(name, signal.SIGSTOP)
        wait_until(f"{name} to be frozen", lambda: self.is_frozen(name), bool)

    def thaw(self, name: str) -> None:
        """Continues a frozen daemon."""
        self._signal_running(name, signal.SIGCONT)

    def log_tail(self, name: str, lines: int = 40) -> str:
        """Returns the last lines of the daemon's log."""
        path = self._shell.root / self._log(name).lstrip("/")
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"

    def _signal_running(self, name: str, number: signal.Signals) -> None:
        pid = self.pid(name)
        if pid is None:
            raise TestbedError(f"{name} is not running, so {number.name} cannot be sent to it")
        send_signal(pid, number)

    def _daemon(self, name: str) -> Daemon:
        if name not in self._known:
            raise TestbedError(f"no daemon {name!r}; there are: {', '.join(self._known)}")
        return self._known[name]

    def _pid_file(self, name: str) -> Path:
        return self._shell.root / PIDS_IN_ROOT.lstrip("/") / f"{name}.pid"

    def _log(self, name: str) -> str:
        # Slurm's daemons write their own log files. This file has what they print before that.
        return f"{LOGS_IN_ROOT}/{name}.out"

    def _explained(self, name: str, action: Callable[[], object]) -> None:
        try:
            action()
        except TestbedError as error:
            raise TestbedError(f"{error}\nend of the log of {name}:\n{self.log_tail(name)}") from error
