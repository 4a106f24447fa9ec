"""Runs the collector and the web server as children, restarts them when they exit, and ends them together."""

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

_MAX_DELAY_SECONDS: Final = 30.0
_HEALTHY_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2


class _Service:
    """One child process, with its command and restart delay."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._command = command
        self._started_at = 0.0
        self._start_after = 0.0
        self._deaths = 0
        self.process: subprocess.Popen[bytes] | None = None

    def keep_running(self, now: float) -> None:
        """Starts the child if it is not running and its delay is over. `now` is in monotonic seconds."""
        if self.process is None:
            if now >= self._start_after:
                self.process = subprocess.Popen(self._command, env=child_environment())
                self._started_at = now
            return
        code = self.process.poll()
        if code is not None:
            self.process = None
            self._deaths = 1 if now - self._started_at > _HEALTHY_SECONDS else self._deaths + 1
            delay = min(2.0 ** (self._deaths - 1), _MAX_DELAY_SECONDS)
            self._start_after = now + delay
            logger.error("The %s exited with code %d. Restarting it in %g s.", self.name, code, delay)


class Supervisor:
    """Keeps `commands` (name → argument list) running until `stop()`.

    Children that do not exit within `grace_seconds` of SIGTERM are killed.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], grace_seconds: float = _GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds
        self._services = [_Service(name, command) for name, command in commands.items()]
        self._stopping = threading.Event()

    def run(self) -> None:
        """Supervises until `stop()`. All children have ended when it returns."""
        try:
            while not self._stopping.is_set():
                for service in self._services:
                    service.keep_running(time.monotonic())
                self._stopping.wait(_POLL_SECONDS)
        finally:
            self._end_all()

    def stop(self) -> None:
        """Ends `run()`, from any thread."""
        self._stopping.set()

    def stop_on_signals(self) -> None:
        """Makes SIGTERM and SIGINT stop this supervisor."""

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
                logger.warning("Process %d did not exit within %g s. Killing it.", process.pid, self._grace_seconds)
                process.kill()
                process.wait()
