"""Runs Slurm's commands as child processes and reads what they print."""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable

LINE_LIMIT: Final = 16 * 2**20
"""Bytes of one line. The rest of a longer line is dropped. The layout of a job on 10,000 nodes has about 1 MiB."""

TEXT_LIMIT: Final = 64 * 2**20
"""Bytes of a text that is read as a whole."""

ERROR_LIMIT: Final = 2000
"""Bytes of standard error that are kept."""

SECONDS: Final = "%s"
"""The value of SLURM_TIME_FORMAT for epoch seconds."""

_NO_JSON: Final = re.compile("json|serializer|data_parser", re.IGNORECASE)
_CHUNK: Final = 2**18
_KEPT: Final = ("PATH", "HOME", "LD_LIBRARY_PATH", "SLURM_CONF", "SLURM_CONF_SERVER")
"""Environment variables that the commands get from the service. None of them has a secret."""

_NO_VARIABLES: Final[Mapping[str, str]] = {}


class ProgramFailed(SourceUnavailable):
    """A command ended with an error status.

    Args:
        program: Name of the command.
        status: Exit status, negative for a signal.
        message: What the command printed to standard error, in one line.
    """

    def __init__(self, program: str, status: int, message: str) -> None:
        self.program = program
        self.status = status
        self.message = message
        ending = f"exit status {status}" if status >= 0 else f"signal {-status}"
        said = message.rstrip(".") or "no message"
        super().__init__(
            f"slurmctld cannot be read: {program} ended with {ending} ({said}). Run `{_check(program)}` on this host to"
            " check."
        )

    @property
    def is_without_json(self) -> bool:
        """Returns True if the command has no plugin for JSON: `JSON plugin load failure`."""
        return _NO_JSON.search(self.message) is not None


class SlurmPrograms:
    """Slurm's commands in one directory or in PATH.

    They run without a shell and with an environment of their own: UTF-8, times as epoch seconds (SLURM_TIME_FORMAT of
    scontrol(1) and squeue(1)), UTC for the texts that ignore SLURM_TIME_FORMAT, and nothing of the service's secrets.

    Args:
        bin_dir: Directory of the commands, None for PATH.
        timeout_seconds: Seconds that one command may keep the service waiting. The time that the service takes to use
            its output does not count.
        environ: Environment of the service.
    """

    def __init__(
        self, bin_dir: str | None = None, timeout_seconds: float = 60.0, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.seconds_waited = 0.0
        """Seconds for which all commands together kept the service waiting."""
        self._bin_dir = bin_dir
        self._timeout_seconds = timeout_seconds
        self._environment = {
            "PATH": os.defpath,
            **{name: environ[name] for name in _KEPT if name in environ},
            "LC_ALL": "C.UTF-8",
            # The task indexes of an array are cut at 64 letters by default. 0 is never.
            "SLURM_BITSTR_LEN": "0",
            "SLURM_TIME_FORMAT": SECONDS,
            "TZ": "UTC",
        }

    def path(self, program: str) -> str:
        """Returns the path of a command.

        Raises:
            SourceUnusable: There is no such command.
        """
        places = self._bin_dir or self._environment["PATH"]
        found = shutil.which(program, path=places)
        if found is None:
            raise SourceUnusable(
                f"Slurm's command cannot be found: {program} in {places}. "
                "Install Slurm's client commands, or set `system.slurm_bin_dir` to their directory."
            )
        return found

    def lines(self, program: str, *arguments: str) -> Generator[bytes, None, None]:
        """Yields the lines of a command's standard output while it runs, without their newlines.

        The command starts with the first line that is asked for. It is killed if the iterator is closed early.

        Raises:
            SourceUnavailable: The command failed, or printed nothing for too long.
            SourceUnusable: There is no such command, or it cannot be started.
        """
        return self.pieces(b"\n", program, *arguments)

    def pieces(self, separator: bytes, program: str, *arguments: str) -> Generator[bytes, None, None]:
        """Yields what a command prints, as `lines`, but split at another separator.

        Raises:
            SourceUnavailable: As `lines`.
            SourceUnusable: As `lines`.
        """
        with self.running(separator, program, *arguments) as printed:
            yield from printed

    @contextmanager
    def running(
        self, separator: bytes, program: str, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES
    ) -> Iterator[Iterator[bytes]]:
        """Starts a command at once, and returns an iterator as `pieces`. The command is killed at the end of the block.

        `variables` are added to the environment. Other users of the host see the arguments of a command, but not its
        environment, proc(5).

        Raises:
            SourceUnusable: There is no such command, or it cannot be started.
        """
        with self._start(program, arguments, variables) as process:
            try:
                yield self._pieces_of(separator, program, process)
            finally:
                process.kill()

    def _pieces_of(self, separator: bytes, program: str, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        errors = bytearray()
        yield from _split(self._chunks(program, process, errors), separator)
        try:
            status = process.wait(self._timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise self._too_slow(program) from error
        if status:
            raise ProgramFailed(program, status, " ".join(errors.decode(errors="replace").split()))

    def text(self, program: str, *arguments: str) -> str:
        """Returns the whole standard output of a command. Undecodable bytes become U+FFFD.

        Raises:
            SourceUnavailable: As `lines`, or the output is longer than TEXT_LIMIT.
            SourceUnusable: As `lines`.
        """
        found: list[bytes] = []
        size = 0
        for line in self.lines(program, *arguments):
            size += len(line) + 1
            if size > TEXT_LIMIT:
                raise SourceUnavailable(
                    f"slurmctld cannot be read: {program} printed more than {TEXT_LIMIT} bytes. "
                    f"Run `{' '.join((program, *arguments))}` on this host to check."
                )
            found.append(line)
        return b"\n".join(found).decode(errors="replace")

    def _start(self, program: str, arguments: tuple[str, ...], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        path = self.path(program)
        try:
            return subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._environment, **variables},
                cwd="/",
            )
        except OSError as error:
            raise SourceUnusable(
                f"Slurm's command cannot be started: {path}: {error.strerror}. Check `system.slurm_bin_dir`."
            ) from error

    def _chunks(self, program: str, process: subprocess.Popen[bytes], errors: bytearray) -> Iterator[bytes]:
        """Yields what the command prints, and adds what it prints to standard error to `errors`."""
        output, error_output = _stream(process.stdout), _stream(process.stderr)
        waited = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(error_output, selectors.EVENT_READ)
            while selector.get_map():
                started = time.monotonic()
                ready = selector.select(max(self._timeout_seconds - waited, 0))
                waited += time.monotonic() - started
                self.seconds_waited += time.monotonic() - started
                if not ready:
                    raise self._too_slow(program)
                for key, _events in ready:
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is output:
                        yield data
                    else:
                        errors += data[: ERROR_LIMIT - len(errors)]

    def _too_slow(self, program: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"slurmctld cannot be read: {program} did not finish within {self._timeout_seconds:g} seconds. "
            f"Run `{_check(program)}` on this host to check."
        )


def _check(program: str) -> str:
    """Returns a command line that tries a program. `scontrol` alone would wait for input."""
    return "scontrol ping" if program == "scontrol" else program


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "both are pipes"
    return stream


def _split(chunks: Iterator[bytes], separator: bytes) -> Iterator[bytes]:
    """Yields the pieces between separators, at most LINE_LIMIT bytes of each, and no empty last one."""
    rest = b""
    is_cut = False
    for chunk in chunks:
        *pieces, rest = (rest + chunk).split(separator)
        if is_cut and pieces:
            yield pieces.pop(0)[:LINE_LIMIT]
            is_cut = False
        yield from pieces
        if len(rest) > LINE_LIMIT + len(separator):
            # The end of the rest may be the start of a separator.
            is_cut = True
            rest = rest[:LINE_LIMIT] + rest[-len(separator) :]
    if rest:
        yield rest[:LINE_LIMIT]
