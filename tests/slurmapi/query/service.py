"""A service over a made-up cluster that a test changes from cycle to cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import ClusterSource, Record
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource


class Service:
    """`load` stores a state of the cluster, `get` asks for it."""

    def __init__(self, folder: Path, **system: Any) -> None:
        settings = Settings.model_validate({"system": {"runtime_dir": folder, **system}})
        self.paths = RuntimePaths.of(settings)
        self.paths.make()
        self.client: FlaskClient = make_client(settings)
        self._made_up = FakeSource()
        self.source: ClusterSource = self._made_up
        self.restart()

    def restart(self) -> None:
        """As when the loader is replaced: what the writer remembered is lost."""
        self.cycle = Cycle(self.source, StoreWriter(self.paths.store), hidden=[], refresh_seconds=3600.0)

    def reset(self) -> None:
        """As new: nothing was ever loaded. Making an application takes longer than anything that is done with it."""
        self.follow(self._made_up)

    def follow(self, source: ClusterSource) -> None:
        """As new, and from now on `cycle.run()` loads this source."""
        self.source = source
        self.paths.store.unlink(missing_ok=True)
        self.restart()

    def load(self, jobs: dict[int, Record], **others: Any) -> None:
        """One cycle with these jobs, and nodes and partitions where they are given."""
        self._made_up.snapshot = make_snapshot(jobs=list(jobs.values()), **others)
        self.cycle.run()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The body of a 200."""
        response = self.client.get(path, query_string=query or None)
        assert response.status_code == 200, response.get_data(as_text=True)
        body: dict[str, Any] = response.get_json()
        return body
