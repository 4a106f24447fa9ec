"""Samples memory, descriptors and threads of a deployment's processes, summed up by role."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import psutil

from tests.deployed.uwsgi_server import Deployment

_MIB: Final = 1024 * 1024
# Part of the command line: role. The first match counts.
_ROLES: Final = {
    "loader_main": "loader",
    "collect --with-parent": "collector",
    "systemd_notify": "watchdog",
    "uWSGI worker": "workers",
    "uWSGI master": "master",
}
UNITS: Final = ("RSS, MiB", "descriptors", "threads")


@dataclass
class Samples:
    """The samples of each role: for each of `UNITS` one value per moment of `times`."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def take(self, deployment: Deployment) -> None:
        """Samples all processes. A role is left out while one of its processes is ending."""
        sums: dict[str, list[float]] = {}
        now = time.monotonic()
        root = psutil.Process(deployment.master)
        for process in (root, *root.children(recursive=True)):
            try:
                with process.oneshot():
                    role = _role(" ".join(process.cmdline()))
                    measured = [process.memory_info().rss / _MIB, process.num_fds(), process.num_threads()]
            except psutil.NoSuchProcess:
                continue
            if role is not None:
                sums[role] = [a + b for a, b in zip(sums.get(role, [0.0, 0.0, 0.0]), measured, strict=True)]
        for role, found in sums.items():
            self.times[role].append(now)
            for unit, value in zip(UNITS, found, strict=True):
                self.values[role, unit].append(value)


def _role(command: str) -> str | None:
    return next((role for part, role in _ROLES.items() if part in command), None)
