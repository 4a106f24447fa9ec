"""Starts the loader process, runs cycles in it with a time limit, restarts it, and reports why it died."""

from __future__ import annotations

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
from dataclasses import dataclass, replace
from typing import Final

from slurm_rest_api.errors import SourceError, StoredFailure
from slurm_rest_api.processes.children import child_environment
from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.collector.loader_protocol import PROGRESS, CycleResult, LoaderOptions

logger = logging.getLogger(__name__)

_LAST_LINES: Final = 5
_FEW_CYCLES: Final = 20
"""If the loader was started again after fewer cycles, its first load is paced as any other."""
_MIB: Final = 1024 * 1024
LOADER_COMMAND: Final = (sys.executable, "-m", "slurm_rest_api.slurmapi.collector.loader_main")
# libslurm truncates the task indexes of an array at this many letters: 64 by default, 0 is never.
_LIBSLURM: Final = {"SLURM_BITSTR_LEN": "0"}


@dataclass(frozen=True)
class Limits:
    """Limits after which the loader is restarted: seconds without progress, cycles, and MiB of RSS. 0 is no limit."""

    cycle_seconds: float
    cycles: int
    rss_mib: int


class LoaderProcess:
    """Runs cycles in a child process, which inherits the descriptors `keep_open` (the collector's lock)."""

    def __init__(
        self,
        options: LoaderOptions,
        limits: Limits,
        *,
        command: Sequence[str] = LOADER_COMMAND,
        keep_open: Sequence[int] = (),
    ) -> None:
        self._options = options
        self._limits = limits
        self._command = command
        self._keep_open = keep_open
        self._child: _Child | None = None
        self._cycles_before: int | None = None

    def cycle(self) -> CycleReport:
        """Runs one cycle.

        Raises:
            StoredFailure: the cycle failed, and the loader has stored why.
            SourceError: the cycle failed, the loader died, or the time limit was reached. The message says which.
        """
        if self._child is None:
            self._child = _Child(self._command, self._keep_open)
            restarts_often = self._cycles_before is not None and self._cycles_before < _FEW_CYCLES
            self._child.send(replace(self._options, paces_first=restarts_often).to_json())
        child = self._child
        try:
            child.send(f'{{"cycle": {child.cycles}}}')
            result = child.result(self._limits.cycle_seconds, self._options.source)
        except SourceError:
            self.stop()
            raise
        if result.report is None:
            error = result.error or "The loader returned neither a report nor an error."
            if result.is_stored:
                raise StoredFailure(error)
            # It has no connection to the store then. The parent may be able to write.
            self.stop()
            raise SourceError(error)
        self._recycle(child, result.rss_bytes)
        return result.report

    def stop(self) -> None:
        """Ends the child, if there is one. The next cycle starts another."""
        # Cleared first, because a signal handler and the cycle that it interrupts may both be here.
        child, self._child = self._child, None
        if child is not None:
            self._cycles_before = child.cycles
            child.end()

    def interrupt(self) -> None:
        """Ends a cycle that runs in another thread. Its `cycle()` raises SourceError."""
        if (child := self._child) is not None:
            child.kill()

    def _recycle(self, child: _Child, rss_bytes: int) -> None:
        child.cycles += 1
        limits = self._limits
        if limits.cycles and child.cycles >= limits.cycles:
            logger.info("Restarting the loader after %d cycles (`recycle_cycles`).", child.cycles)
            self.stop()
        elif limits.rss_mib and rss_bytes > limits.rss_mib * _MIB:
            logger.info(
                "Restarting the loader: it uses %d MiB (`recycle_rss_mib` is %d).", rss_bytes // _MIB, limits.rss_mib
            )
            self.stop()


def _likely_cause(source: str) -> str:
    """Returns why a load from `source` (`system.source`) makes no progress, and what to do."""
    built_in = source.partition(":")[0]
    if built_in == "slurm":
        return "slurmctld does not answer, or is very slow. Check `scontrol ping`."
    if built_in == "demo":
        return "this machine is too busy for the simulation. Use fewer nodes, or raise the setting."
    return f"the source {source} does not answer. Check it, or raise the setting."


class _Child:
    """A running loader, its pipes, and the thread that logs its standard error."""

    def __init__(self, command: Sequence[str], keep_open: Sequence[int]) -> None:
        self.cycles = 0
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=keep_open,
            env={**child_environment(), **_LIBSLURM},
            # A group of its own, so that `kill()` also ends a command of Slurm that the loader runs.
            process_group=0,
        )
        self._unread = b""
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._drain = threading.Thread(target=self._log_stderr, daemon=True)
        self._drain.start()

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SourceError(self._death()) from error

    def result(self, seconds: float, source: str) -> CycleResult:
        """Reads the result of the cycle. Waits at most `seconds` for it, or for each report of progress before it."""
        while (line := self._line(seconds, source)) == PROGRESS.encode():
            continue
        return CycleResult.from_json(line)

    def _line(self, seconds: float, source: str) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            try:
                ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
                chunk = os.read(descriptor, 65536) if ready else b""
            except OSError as error:
                # `end()` has closed the pipe in another thread, because the collector stops.
                raise SourceError("The loader was stopped.") from error
            if not ready:
                raise SourceError(
                    "Loading made no progress for longer than `system.cycle_timeout_seconds`"
                    f" ({seconds:g} s) and was ended: {_likely_cause(source)}"
                )
            if not chunk:
                raise SourceError(self._death())
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def kill(self) -> None:
        # The group has the pid of its leader, which is not free before this process has waited for it.
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        self._process.wait()
        self._drain.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    # The process ended with unsent bytes in the pipe. The pipe is closed anyway.
                    logger.debug("The loader ended before it read its whole input.")

    def _death(self) -> str:
        code = self._process.wait()
        self._drain.join()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        output = " ".join(self._last_lines)
        return f"The process that reads Slurm {how}." + (f" Its last output: {output}" if output else "")

    def _log_stderr(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            self._last_lines.append(line)
            logger.warning("loader: %s", line)
