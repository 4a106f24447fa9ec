"""Named steps, commands and waits whose failures tell what was done, what it printed and what was last seen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class TestbedError(Exception):
    """Any failure of the testbed; the text is meant for the person at the terminal."""

    __test__ = False


class CommandFailedError(TestbedError):
    """A command ended with a non-zero status or passed its time limit."""

    def __init__(self, argv: Sequence[str], outcome: str, output: str) -> None:
        super().__init__(f"command {' '.join(argv)!r} {outcome}; it printed:\n{output.strip() or '(nothing)'}")
        self.output = output


class DeadlineError(TestbedError):
    """A condition was not met in time."""

    def __init__(self, what: str, seconds: float, last: object) -> None:
        super().__init__(f"waited {seconds:g} s for {what}; last seen: {last}")


class StepFailedError(TestbedError):
    """A step of bringing the cluster up or down failed."""

    def __init__(self, step: str, cause: Exception) -> None:
        super().__init__(f"step '{step}' failed: {cause}")
        self.step = step


def say(text: str) -> None:
    """Tell the person at the terminal; on stderr, because stdout belongs to `exec` and `env`."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Give whatever fails inside the name of the step; tell how long it took when that was noticeable."""
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
    timeout: float = 60,
    text_input: str | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end with stdout and stderr captured.

    Raises CommandFailedError with all that it printed when it fails (unless `check` is false) or takes longer than
    `timeout` seconds.
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
    what: str, probe: Callable[[], T], accept: Callable[[T], bool], *, timeout: float = 30, interval: float = 0.1
) -> T:
    """Call `probe` until `accept` likes what it returns, and return that.

    A probe that raises CommandFailedError counts as "not yet". Raises DeadlineError, which names `what` and shows the
    last thing seen, after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        last: object
        try:
            value = probe()
            if accept(value):
                return value
            last = value
        except CommandFailedError as error:
            last = error
        if time.monotonic() >= deadline:
            raise DeadlineError(what, timeout, last)
        time.sleep(interval)
