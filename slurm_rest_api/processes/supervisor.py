"""Runs the collector and the web server as children, starts them again when they die, and ends them together."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Final

from slurm_rest_api.processes.children import child_environment

logger = logging.getLogger(__name__)

_LONGEST_WAIT_SECONDS: Final = 30.0
_HEALTHY_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2


class _Service:
    """One child: its command, and when it may be started again."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._command = command
        self._started_at = 0.0
        self._start_after = 0.0
        self._deaths = 0
        self.process: subprocess.Popen[bytes] | None = None

    def keep_running(self, now: float) -> None:
        """Start the child if it does not run and its waiting time is over; `now` is monotonic seconds."""
        if self.process is None:
            if now >= self._start_after:
                self.process = subprocess.Popen(self._command, env=child_environment())
                self._started_at = now
            return
        code = self.process.poll()
        if code is not None:
            self.process = None
            self._deaths = 1 if now - self._started_at > _HEALTHY_SECONDS else self._deaths + 1
            wait = min(2.0 ** (self._deaths - 1), _LONGEST_WAIT_SECONDS)
            self._start_after = now + wait
            logger.error("The %s ended with code %d; it is started again in %g s.", self.name, code, wait)


class Supervisor:
    """Keeps `commands` (name → argument list) running until `stop()`.

    Children that do not end within `grace_seconds` of their SIGTERM are killed.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], grace_seconds: float = _GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds
        self._services = [_Service(name, command) for name, command in commands.items()]
        self._stopping = threading.Event()

    def run(self) -> None:
        """Supervise until stopped; when this returns, no child is left."""
        try:
            while not self._stopping.is_set():
                for service in self._services:
                    service.keep_running(time.monotonic())
                self._stopping.wait(_POLL_SECONDS)
        finally:
            self._end_all()

    def stop(self) -> None:
        """End `run()`; may be called from another thread."""
        self._stopping.set()

    def stop_on_signals(self) -> None:
        """Have SIGTERM and SIGINT stop this supervisor."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    def _end_all(self) -> None:
        running = [service.process for service in self._services if service.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._grace_seconds
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("Process %d did not end in time and is killed.", process.pid)
                process.kill()
                process.wait()
