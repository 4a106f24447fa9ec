"""Two workers of one host that render large routes, and what they have rendered."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api import app
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.responses import snapshot, whole_bodies
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot, whole_body
from slurm_rest_api.slurmapi.responses.version_files import VersionFiles
from slurm_rest_api.slurmapi.responses.whole_bodies import WholeBodies
from tests.builders import make_job
from tests.conftest import make_client
from tests.slurmapi.query.service import Service

SLOTS = 2
PLAIN, GZIP = "identity", "gzip"


class Renderer:
    """Counts the renderings of all workers, by version. They wait while `gate` is closed."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, snapshot: Snapshot) -> Iterator[bytes]:
        self.versions.append(snapshot.collection.version)
        self.gate.wait()
        return whole_body(snapshot)


class Host:
    """Two workers of one host. `slots` limits the requests of a worker that wait."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._threads_before = set(threading.enumerate())
        self.slots = SLOTS
        self.renderer = Renderer()
        monkeypatch.setattr(snapshot, "LARGE_RECORDS", 1)
        monkeypatch.setattr(whole_bodies, "whole_body", self.renderer)
        monkeypatch.setattr(whole_bodies, "_FOLLOW_SECONDS", 0.01)
        monkeypatch.setattr(app, "WholeBodies", self._whole_bodies)
        self.api = Service(folder)
        self.prepared = self.api.paths.prepared
        self.workers = [self.api.client, self.another_worker()]
        self._states = itertools.count(1)

    def another_worker(self) -> FlaskClient:
        return make_client(Settings.model_validate({"system": {"runtime_dir": self.api.paths.root}}))

    def _whole_bodies(self, live: snapshot.LiveState, folder: Path, slots: int) -> WholeBodies:
        assert slots >= 1
        return WholeBodies(live, folder, self.slots)

    def load(self) -> int:
        """Loads another state of the cluster. Returns its version."""
        self.api.load({number: make_job(number, priority=next(self._states)) for number in range(1, 21)})
        version: int = self.api.get("/queue?limit=1")["meta"]["version"].rpartition("-")[2]
        return int(version)

    def ask(self, worker: int = 0, accepted: str = GZIP, headers: dict[str, str] | None = None) -> TestResponse:
        return self.workers[worker].get("/queue", headers={"Accept-Encoding": accepted, **(headers or {})})

    def load_while_rendering(self) -> tuple[TestResponse, TestResponse]:
        """Loads a version, and renders nothing until the gate is opened. Returns the responses before."""
        self.load()
        before = self.ask(), self.ask(accepted=PLAIN)
        self.renderer.gate.clear()
        self.load()
        return before

    def followers(self) -> list[threading.Thread]:
        """Returns the threads of these workers that render. One of an earlier test may still wait for a first load."""
        running = [thread for thread in threading.enumerate() if thread.name == "render queue"]
        return [thread for thread in running if thread not in self._threads_before]

    def has_no_follower(self) -> bool:
        """Removes all versions, so that threads that follow the loads end. A thread may write one more."""
        VersionFiles(self.prepared).remove("queue")
        return not self.followers()
