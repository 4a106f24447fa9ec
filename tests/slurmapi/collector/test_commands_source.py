"""The loader with Slurm's commands, from a directory of programs to HTTP responses."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.errors import SourceError
from slurm_rest_api.slurmapi.collector.loader_process import Limits, LoaderProcess
from slurm_rest_api.slurmapi.collector.loader_protocol import LoaderOptions
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from tests.slurmapi.sources.commands.program_directory import ProgramDirectory
from tests.waiting import wait_for, with_longer_limits

COMMANDS = "commands of Slurm 26.05.5 in {}"


class Service:
    """A loader over a directory of programs, and a client of the web application."""

    def __init__(self, settings: Settings, folder: Path, client: FlaskClient) -> None:
        self.slurm = ProgramDirectory(folder / "slurm")
        self.client = client
        self.paths = RuntimePaths.of(settings)
        self.paths.make()
        self.loader: LoaderProcess | None = None

    def start(
        self,
        source: str = "slurm:commands",
        seconds: float = 60.0,
        bin_dir: Path | None = None,
        limit: float | None = None,
    ) -> LoaderProcess:
        options = LoaderOptions(
            source,
            hidden=(),
            refresh_seconds=3600.0,
            store=str(self.paths.store),
            slurm_bin_dir=str(bin_dir or self.slurm.bin_dir),
            cycle_seconds=seconds,
        )
        self.loader = LoaderProcess(options, Limits(cycle_seconds=limit or seconds, cycles=0, rss_mib=0))
        return self.loader

    def get(self, route: str) -> Any:
        return self.client.get(route).get_json()


@pytest.fixture
def service(settings: Settings, tmp_path: Path, client: FlaskClient) -> Iterator[Service]:
    service = Service(settings, tmp_path, client)
    yield service
    if service.loader is not None:
        service.loader.stop()


def test_a_load_with_the_commands_is_published(service: Service) -> None:
    report = service.start().cycle()
    assert (report.jobs, report.nodes, report.partitions) == (2, 2, 1)
    assert report.source_detail == COMMANDS.format(service.slurm.bin_dir)

    queue = service.get("/queue")
    assert (queue["meta"]["source"], queue["meta"]["source_detail"]) == ("slurm", report.source_detail)
    pending, running = queue["data"]["7"], queue["data"]["8"]
    assert (pending["job_state"], pending["user_id"], pending["account"]) == ("PENDING", 2001, "physics")
    assert (pending["comment"], pending["time_limit"], pending["submit_time"]) == ("hello", 60, 1795714026)
    assert (running["job_state"], running["nodes"], running["batch_host"]) == ("RUNNING", "rack001", "rack001")
    assert (running["cpus_allocated"], running["mem_allocated"]) == ({"rack001": 4}, {"rack001": 400})
    assert running["cpus_alloc_layout"] == {"rack001": [0, 1, 2, 3]}

    nodes = service.get("/nodes")["data"]
    assert {name: (node["state"], node["alloc_cpus"]) for name, node in nodes.items()} == {
        "rack001": ("MIXED", 4),
        "rack002": ("IDLE", 0),
    }
    assert service.get("/partitions")["data"]["main"]["total_cpus"] == 32
    assert service.get("/stats")["data"]["jobs_submitted"] == 26
    usage = service.get("/usage")["data"]["partitions"]["main"]["nodes"]["rack001"]
    assert (usage["running_jobs"], usage["cpus_allocated"], usage["total_cpus"]) == (1, 4, 16)
    facts = service.get("/health")["data"]["parts"]["snapshot"]["facts"]
    assert facts["source_detail"] == report.source_detail
    assert facts["source_parts"][:2] == [
        {"part": "jobs", "from": "commands", "why": None},
        {"part": "nodes", "from": "commands", "why": None},
    ]


def test_the_rpcs_of_each_load_are_counted(service: Service) -> None:
    loader = service.start()
    first, second = loader.cycle().rpcs, loader.cycle().rpcs
    assert first >= second > 0
    metrics = service.client.get("/metrics").text
    assert f"slurm_rest_api_collector_rpcs_total {first + second:.1f}" in metrics


def test_the_programs_get_no_secret_of_the_service(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_REST_API_DB_PASS", "s3cret")
    monkeypatch.setenv("SLURM_JWT", "s3cret")
    service.start().cycle()
    found = service.slurm.environment()
    assert (found["LC_ALL"], found["SLURM_TIME_FORMAT"]) == ("C.UTF-8", "%s")
    assert "s3cret" not in found.values()


def test_an_outage_has_the_message_of_the_program(service: Service) -> None:
    loader = service.start()
    loader.cycle()
    service.slurm.behave("down")
    with pytest.raises(SourceError, match=r"Unable to contact slurm controller \(connect failure\)"):
        loader.cycle()
    assert service.get("/queue")["meta"]["total"] == 2
    service.slurm.behave(None)
    assert loader.cycle().jobs == 2


def test_a_program_that_hangs_is_ended(service: Service) -> None:
    loader = service.start(seconds=10.0)
    loader.cycle()
    service.slurm.behave("hangs")
    with pytest.raises(
        SourceError, match=r"did not finish within 8 seconds|longer than `system\.cycle_timeout_seconds`"
    ):
        loader.cycle()
    service.slurm.behave(None)
    assert loader.cycle().jobs == 2


def test_a_loader_that_is_ended_takes_its_program_along(service: Service) -> None:
    service.slurm.behave("hangs")

    def end_after(seconds: float) -> bool:
        with pytest.raises(SourceError, match=rf"longer than `system\.cycle_timeout_seconds` \({seconds:g} s\)"):
            service.start(limit=seconds).cycle()
        return (service.slurm.folder / "pid").exists()

    with_longer_limits(end_after, bool)
    pid = service.slurm.hanging_pid()
    wait_for("the program to end", lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")


def test_a_directory_without_the_programs(service: Service, tmp_path: Path) -> None:
    loader = service.start(bin_dir=tmp_path / "opt")
    with pytest.raises(SourceError, match=r"scontrol.*opt.*system\.slurm_bin_dir"):
        loader.cycle()
    # They were installed in the meantime.
    (tmp_path / "opt").symlink_to(service.slurm.bin_dir)
    assert loader.cycle().jobs == 2


def test_a_host_without_pyslurm_uses_the_commands(service: Service) -> None:
    report = service.start("slurm").cycle()
    assert report.source_detail == COMMANDS.format(service.slurm.bin_dir) + ", because pyslurm is not installed"
    parts = service.get("/health")["data"]["parts"]["snapshot"]["facts"]["source_parts"]
    assert {"part": "nodes", "from": "commands", "why": "pyslurm is not installed"} in parts
    assert report.jobs == 2


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (f"import os\nos.kill(os.getpid(), {int(signal.SIGSEGV)})", "importing pyslurm crashed with SIGSEGV"),
        (
            "import os, sys\nsys.stderr.write('fatal: no slurm.conf\\n')\nsys.stderr.flush()\nos._exit(1)",
            "importing pyslurm ended its process with exit code 1: fatal: no slurm.conf",
        ),
    ],
)
def test_a_pyslurm_that_ends_its_process_does_not_end_the_loader(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, reason: str
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "pyslurm.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    loader = service.start("slurm")
    report = loader.cycle()
    assert report.source_detail == f"{COMMANDS.format(service.slurm.bin_dir)}, because {reason}"
    assert loader.cycle().jobs == 2
    assert service.get("/nodes")["meta"]["source_detail"] == report.source_detail
