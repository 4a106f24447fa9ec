"""Commands inside the root, as any of its users."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.waiting import GIVE_UP_SECONDS

from .layout import CA_BUNDLE_IN_ROOT
from .steps import run_command

# With these, pip inside the root reaches the same package index as on the host.
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL",
              "PIP_DEFAULT_TIMEOUT")  # fmt: skip


class Shell:
    """Starts processes inside the testbed's root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def argv(self, argv: Sequence[str], user: str = "root", cwd: str | None = None) -> list[str]:
        """Returns the host's command line for `argv` inside the root. Its parts exec each other: one process id."""
        prefix = ["chroot", str(self.root)]
        if user != "root":
            prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        if cwd is not None:
            prefix += ["env", f"--chdir={cwd}"]
        return [*prefix, *argv]

    def environment(self, user: str = "root", extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns a login-like environment that takes only proxies and package index from the host."""
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root" if user == "root" else f"/home/{user}",
            "USER": user,
            "LOGNAME": user,
            "LANG": "C.UTF-8",
            "PIP_CERT": CA_BUNDLE_IN_ROOT,
            "SSL_CERT_FILE": CA_BUNDLE_IN_ROOT,
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            **(extra or {}),
        }

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        check: bool = True,
        timeout: float = GIVE_UP_SECONDS,
        text_input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `argv` inside the root to its end. Raises CommandFailedError as `run_command` does."""
        command = self.argv(argv, user, cwd)
        environment = self.environment(user, env)
        return run_command(command, check=check, timeout=timeout, text_input=text_input, env=environment)

    def output(self, *argv: str, user: str = "root") -> str:
        """Runs `argv` inside the root and returns its stdout."""
        return self.run(argv, user=user).stdout

    def popen(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        log: Path | None = None,
    ) -> subprocess.Popen[str]:
        """Starts `argv` inside the root in a new session. Its stdout and stderr go to `log` or to one pipe."""
        command = self.argv(argv, user, cwd)
        if log is None:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=self.environment(user, env), start_new_session=True,
            )  # fmt: skip
        with log.open("a") as sink:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, text=True,
                env=self.environment(user, env), start_new_session=True,
            )  # fmt: skip
