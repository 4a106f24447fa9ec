"""The parent's end of the loader: starts it, asks for cycles, bounds their time, recycles it, says why it died."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from slurm_rest_api.errors import SourceError
from slurm_rest_api.processes.children import child_environment
from slurm_rest_api.slurmapi.collector.cycle import CycleReport

logger = logging.getLogger(__name__)

_LAST_LINES: Final = 5
_MIB: Final = 1024 * 1024
LOADER_COMMAND: Final = (sys.executable, "-m", "slurm_rest_api.slurmapi.collector.loader_main")
# After so many letters libslurm cuts the task indexes of an array, 64 unless it is told; 0 is never.
_LIBSLURM: Final = {"SLURM_BITSTR_LEN": "0"}


@dataclass(frozen=True)
class Limits:
    """When the loader is replaced: seconds for one cycle; cycles and MiB of RSS, where 0 means never."""

    cycle_seconds: float
    cycles: int
    rss_mib: int


class LoaderProcess:
    """Runs cycles in a child process. `keep_open` are descriptors that the child inherits (the collector's lock)."""

    def __init__(
        self,
        specification: dict[str, Any],
        limits: Limits,
        *,
        command: Sequence[str] = LOADER_COMMAND,
        keep_open: Sequence[int] = (),
    ) -> None:
        self._specification = specification
        self._limits = limits
        self._command = command
        self._keep_open = keep_open
        self._child: _Child | None = None

    def cycle(self) -> CycleReport:
        """Run one cycle.

        Raises:
            SourceError: it failed, died or took longer than its limit; the message says which.
        """
        if self._child is None:
            self._child = _Child(self._command, self._keep_open)
            self._child.send(self._specification)
        child = self._child
        try:
            child.send({"cycle": child.cycles})
            answer = child.answer(self._limits.cycle_seconds)
        except SourceError:
            self.stop()
            raise
        if "error" in answer:
            raise SourceError(answer["error"])
        self._recycle(child, answer["rss_bytes"])
        return CycleReport(**answer["report"])

    def stop(self) -> None:
        """End the child, if there is one; the next cycle starts another."""
        # Taken away first: a signal handler and the cycle that it interrupts may both come here.
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def interrupt(self) -> None:
        """End a cycle that runs in another thread: its `cycle()` raises SourceError."""
        if (child := self._child) is not None:
            child.kill()

    def _recycle(self, child: _Child, rss_bytes: int) -> None:
        child.cycles += 1
        limits = self._limits
        if limits.cycles and child.cycles >= limits.cycles:
            logger.info("The loader has run %d cycles and is replaced.", child.cycles)
            self.stop()
        elif limits.rss_mib and rss_bytes > limits.rss_mib * _MIB:
            logger.info("The loader uses %d MiB, more than %d, and is replaced.", rss_bytes // _MIB, limits.rss_mib)
            self.stop()


class _Child:
    """A running loader, its pipes, and the thread that passes its standard error on to the log."""

    def __init__(self, command: Sequence[str], keep_open: Sequence[int]) -> None:
        self.cycles = 0
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=keep_open,
            env={**child_environment(), **_LIBSLURM},
        )
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._drain = threading.Thread(target=self._pass_on_stderr, daemon=True)
        self._drain.start()

    def send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SourceError(self._death()) from error

    def answer(self, seconds: float) -> dict[str, Any]:
        """The child's next line, waited for at most `seconds`."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise SourceError(
                    f"Loading took longer than system.cycle_timeout_seconds ({seconds:g} s) and was ended:"
                    " slurmctld does not answer, or is very slow."
                )
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise SourceError(self._death())
            line += chunk
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self.kill()
        self._process.wait()
        self._drain.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    # Unsent bytes for a process that is gone; the pipe is closed all the same.
                    logger.debug("The loader ended before it read all that was sent to it.")

    def _death(self) -> str:
        code = self._process.wait()
        self._drain.join()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = " ".join(self._last_lines)
        return f"The process that reads Slurm {how}." + (f" It said last: {said}" if said else "")

    def _pass_on_stderr(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            self._last_lines.append(line)
            logger.warning("loader: %s", line)
