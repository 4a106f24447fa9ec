"""Fake clusters that tests use in place of pyslurm."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.base import Snapshot
from tests.builders import make_snapshot


class FakeSource:
    """A cluster whose next snapshot or error is set by the test."""

    name = "fake"
    detail = "fake cluster"
    rpcs_of_last_load = 6

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot or make_snapshot()
        self.error: SourceUnavailable | None = None
        self.loads = 0

    def load(self) -> Snapshot:
        self.loads += 1
        if self.error is not None:
            raise self.error
        return self.snapshot


class ScriptedSource:
    """A cluster in a loader process. The file `$FAKE_SLURM` has its next act: ok, down, exit, crash, hang or noise."""

    name = "fake"
    detail = "fake cluster"
    rpcs_of_last_load = 6

    def load(self) -> Snapshot:
        script = Path(os.environ["FAKE_SLURM"])
        match script.read_text().strip():
            case "down":
                raise SourceUnavailable("Unable to contact slurm controller (connect failure)")
            case "exit":
                sys.stderr.write("fatal: Could not establish a configuration source\n")
                sys.stderr.flush()
                os._exit(1)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hang":
                script.with_suffix(".hangs").touch()
                time.sleep(3600)
            case "noise":
                os.write(1, b"unknown TRES: bb/datawarp\n")
        return make_snapshot()


def scripted_source() -> ScriptedSource:
    """Returns the source of the setting `source: tests.fakes:scripted_source`. Adds a line to `$FAKE_SLURM.opened`."""
    with Path(os.environ["FAKE_SLURM"]).with_suffix(".opened").open("a") as opened:
        opened.write("opened\n")
    return ScriptedSource()
