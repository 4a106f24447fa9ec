"""One load of the cluster with Slurm's commands, and a client of the routes over it, without a collector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import Snapshot
from slurm_rest_api.slurmapi.sources.commands.optional_records import OptionalRecords
from slurm_rest_api.slurmapi.sources.commands.programs import SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.source import CommandsSource
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.cluster.test_source_commands import SECONDS, programs
from tests.conftest import make_client
from tests.testbed.cluster import Cluster


def commands_of_root(cluster: Cluster, folder: Path) -> CommandsSource:
    """Opens the commands with the users of the root, of which this host has others."""
    source = programs(cluster, folder)
    for program in ("sprio", "sshare"):
        (folder / program).write_text((folder / "squeue").read_text().replace("/usr/bin/squeue", f"/usr/bin/{program}"))
        (folder / program).chmod(0o755)
    passwd = cluster.run(["getent", "passwd"]).stdout.splitlines()
    names = {int(line.split(":")[2]): line.split(":")[0] for line in passwd}
    source._names = UserNames(user_name=lambda uid: names[uid])
    return source


@dataclass
class _Everything:
    """A source with reservations, licenses, priority factors and fair share in each load."""

    commands: CommandsSource
    optional: OptionalRecords
    name: str = "slurm"
    detail: str = "Slurm's commands"

    @property
    def rpcs_of_last_load(self) -> int:
        return self.commands.rpcs_of_last_load + self.optional.rpcs

    def load(self) -> Snapshot:
        snapshot = self.commands.load()
        self.optional.refresh()
        return self.optional.added_to(snapshot)


class OneLoad:
    """A client of the routes. `load` loads the cluster."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        settings = Settings.model_validate({"system": {"runtime_dir": folder / "runtime"}})
        paths = RuntimePaths.of(settings)
        paths.make()
        commands = commands_of_root(cluster, folder / "bin")
        optional = OptionalRecords(
            SlurmPrograms(str(folder / "bin"), SECONDS),
            {"reservations": 0.0, "licenses": 0.0, "priority_factors": 0.0, "fair_share": 0.0},
        )
        self._cycle = Cycle(_Everything(commands, optional), StoreWriter(paths.store), [], 3600.0)
        self._client: FlaskClient = make_client(settings)

    def load(self) -> None:
        """Loads the state of the cluster now."""
        errors = self._cycle.run().optional_errors
        assert not errors, errors

    def data(self, path: str) -> Any:
        """Returns `data` of a 200."""
        response = self._client.get(path)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()["data"]
