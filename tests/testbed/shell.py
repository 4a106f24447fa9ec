"""Commands inside the root, as any of its users."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .layout import CA_BUNDLE_IN_ROOT
from .steps import run_command

# What lets pip inside the root reach the same package index as on the host.
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL",
              "PIP_DEFAULT_TIMEOUT")  # fmt: skip


class Shell:
    """Starts processes whose root directory is the testbed's."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def argv(self, argv: Sequence[str], user: str = "root", cwd: str | None = None) -> list[str]:
        """The host's command line for `argv` inside the root; each part replaces itself, so the process id stays."""
        prefix = ["chroot", str(self.root)]
        if user != "root":
            prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        if cwd is not None:
            prefix += ["env", f"--chdir={cwd}"]
        return [*prefix, *argv]

    def environment(self, user: str = "root", extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A login-like environment with nothing of the host's but its proxies and package index."""
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
        timeout: float = 60,
        text_input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `argv` inside the root to its end; raises CommandFailedError as `run_command` does."""
        command = self.argv(argv, user, cwd)
        environment = self.environment(user, env)
        return run_command(command, check=check, timeout=timeout, text_input=text_input, env=environment)

    def output(self, *argv: str, user: str = "root", timeout: float = 60) -> str:
        """What `argv` prints on stdout."""
        return self.run(argv, user=user, timeout=timeout).stdout

    def popen(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        log: Path | None = None,
    ) -> subprocess.Popen[str]:
        """Start `argv` inside the root in a session of its own; stdout and stderr go to `log` or to one pipe."""
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
