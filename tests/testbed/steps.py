"""Named steps, commands and waits. A failure reports the step, the command's output and the last value seen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from tests.waiting import GIVE_UP_SECONDS, pause_after

T = TypeVar("T")


class TestbedError(Exception):
    """A failure of the testbed. Its text is a message for the terminal."""

    __test__ = False


class CommandFailedError(TestbedError):
    """A command ended with a non-zero status or passed its time limit."""

    def __init__(self, argv: Sequence[str], outcome: str, output: str) -> None:
        super().__init__(f"command {' '.join(argv)!r} {outcome}; it printed:\n{output.strip() or '(nothing)'}")
        self.output = output


class DeadlineError(TestbedError):
    """A condition did not become true before its wait gave up."""

    def __init__(self, what: str, seconds: float, last: object) -> None:
        super().__init__(f"waited {seconds:g} s for {what}; last seen: {last}")


class StepFailedError(TestbedError):
    """A step of bringing the cluster up or down failed."""

    def __init__(self, step: str, cause: Exception) -> None:
        super().__init__(f"step '{step}' failed: {cause}")
        self.step = step


def say(text: str) -> None:
    """Prints to stderr, because stdout belongs to `exec` and `env`."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Adds the name of the step to its failure. Prints the duration of a step of 0.3 s and more."""
    started = time.monotonic()
    try:
        yield
    except (TestbedError, OSError) as error:
        raise StepFailedError(name, error) from error
    took = time.monotonic() - started
    if took >= 0.3:
        say(f"  {name} ({took:.1f} s)")


def run_command(
    argv: Sequence[str],
    *,
    check: bool = True,
    timeout: float = GIVE_UP_SECONDS,
    text_input: str | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `argv` to its end and captures stdout and stderr.

    Raises:
        CommandFailedError: it failed (unless `check` is false), or took longer than `timeout` seconds. The error has
            all its output.
    """
    try:
        done = subprocess.run(
            list(argv), input=text_input, capture_output=True, text=True, errors="replace", timeout=timeout, env=env,
            stdin=subprocess.DEVNULL if text_input is None else None, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        printed = b"".join(part for part in (error.stdout, error.stderr) if isinstance(part, bytes))
        raise CommandFailedError(argv, f"took longer than {timeout:g} s", printed.decode(errors="replace")) from error
    if check and done.returncode:
        raise CommandFailedError(argv, f"ended with status {done.returncode}", done.stdout + done.stderr)
    return done


def wait_until(
    what: str,
    probe: Callable[[], T],
    accept: Callable[[T], bool],
    *,
    timeout: float = GIVE_UP_SECONDS,
    interval: float = 0.1,
) -> T:
    """Calls `probe` until `accept` returns true for its result, and returns that result.

    A probe that raises CommandFailedError is called again. Pauses grow from `interval` to four times that.

    Raises:
        DeadlineError: `accept` returned nothing true for `timeout` seconds. The message has `what` and the last result.
    """
    begun = time.monotonic()
    while True:
        last: object
        try:
            value = probe()
            if accept(value):
                return value
            last = value
        except CommandFailedError as error:
            last = error
        waited = time.monotonic() - begun
        if waited >= timeout:
            raise DeadlineError(what, timeout, last)
        time.sleep(pause_after(waited, interval, 4 * interval))
