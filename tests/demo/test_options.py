"""Options of the demonstration cluster. Only they open it."""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

import pytest

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.demo.cli_options import write_config
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.options import DemoOptions, source_name
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source_with_history import SourceWithHistory
from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.slurmapi.sources.base import ReportsProgress
from slurm_rest_api.slurmapi.sources.detect import open_source


def test_demo_logs_that_it_is_a_simulation(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        source = open_source("demo")
    assert source.name == "demo"
    assert "a simulation. No node, job or user in it exists" in caplog.text


def test_size_and_seed_are_options() -> None:
    source = open_source("demo:nodes=40,jobs=90,seed=7")
    assert len(source.load().nodes) == 40
    assert DemoOptions.parse("nodes=40,jobs=90,seed=7").scale == Scale(40, 90, 7)


def test_the_days_of_the_past_are_an_option(tmp_path: Path) -> None:
    scale = DemoOptions.parse("nodes=40,jobs=90,days=2").scale
    assert (scale.load_days, scale.record_days) == (2, 2)
    assert DemoOptions.parse(source_name(scale, DemoFolder(tmp_path)).removeprefix("demo:")).scale == scale
    assert (Scale(40, 90).load_days, Scale(40, 90).record_days) == (90, 30)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("days=0", "days: Input should be greater than or equal to 1"),
        ("nodes=3", "nodes: Input should be greater than or equal to 20"),
        ("colour=red", "colour"),
        ("nodes", "'nodes'"),
    ],
)
def test_a_wrong_option_is_named(text: str, message: str) -> None:
    with pytest.raises(SourceUnusable, match="source: demo") as caught:
        open_source(f"demo:{text}")
    assert message in str(caught.value)


def test_a_host_without_slurm_gets_an_error_and_no_demo() -> None:
    def no_pyslurm(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}")

    with pytest.raises(SourceUnusable, match="cannot be imported"):
        open_source("slurm:pyslurm", import_module=no_pyslurm)


@pytest.mark.parametrize("value", ["demo", "demo:nodes=40,jobs=90", "demo:folder=/var/lib/demo"])
def test_the_setting_takes_the_demo_with_its_options(value: str) -> None:
    assert Settings.model_validate({"system": {"source": value}}).system.source == value


def test_a_folder_is_a_path() -> None:
    assert DemoOptions.parse("folder=/var/lib/demo").folder == Path("/var/lib/demo")


def test_each_address_has_a_folder_and_a_runtime_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second demo on another port must not wait for the first one's lock."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    size = Scale(40, 90)
    addresses = [("127.0.0.1", 5000), ("127.0.0.1", 5001), ("::1", 5000)]
    folders = [DemoFolder.of(size, host, port) for host, port in addresses]
    runtime = []
    for folder in folders:
        folder.prepare(size)
        write_config(folder, size)
        runtime.append(load_settings(folder.config, {}).system.runtime_path())
    assert len(set(folders)) == len(set(runtime)) == len(addresses)
    assert DemoFolder.of(size, "127.0.0.1", 5000) == folders[0]


def test_a_first_load_reports_progress_in_each_of_its_steps(tmp_path: Path) -> None:
    """The collector ends a load without progress, and the first load of a large demo takes minutes."""
    source = SourceWithHistory(Scale(60, 200, 3), DemoFolder(tmp_path), start_backfill=lambda *_: None)
    assert isinstance(source, ReportsProgress)
    reports = 0

    def report() -> None:
        nonlocal reports
        reports += 1

    source.progress = report
    moment = source.moment()
    assert reports == len(source.timeline.hardware.blocks)
    jobs = list(source.load().jobs)
    assert reports > 2 * len(source.timeline.hardware.blocks) + len(moment.running)
    assert jobs
