"""Import of the archive of the 2018 service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slurm_rest_api.archive.time_range import TimeRange
from slurm_rest_api.archive.tinydb_import import ImportReport, describe, import_tinydb
from slurm_rest_api.cli import main
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError
from tests.archive.databases import all_samples, open_reader, open_store, slots, sqlite_settings
from tests.archive.samples import make_sample

NOW = 1_600_000_000
START = 1_530_000_000


def document(time: float, **changes: Any) -> dict[str, Any]:
    """Returns a sample as the 2018 service stored it."""
    sample = make_sample(0)
    for record in (sample, sample["partitions"]["main"]):
        counts = ("jobs_running", "jobs_pending", "tasks_running", "tasks_pending")
        by_name = ("jobs_pending_by_reason", "nodes_by_state")
        for field in ("alloc_gpus", "total_gpus", *counts, *by_name):
            del record[field]
    return {**sample, "time": time, **changes}


def tinydb(file: Path, documents: list[Any]) -> Path:
    file.write_text(json.dumps({"_default": {str(number): entry for number, entry in enumerate(documents, 1)}}))
    return file


def imported(file: Path, system: SystemSettings) -> ImportReport:
    bytes_read: list[int] = []
    report = import_tinydb(file, open_store(system), 60, NOW, bytes_read.append)
    assert sum(bytes_read) <= file.stat().st_size
    return report


def test_import_stores_samples_and_rollups(tmp_path: Path) -> None:
    system = sqlite_settings(tmp_path)
    file = tinydb(tmp_path / "db.json", [document(START + 60 * n + 7.5, total_load=n) for n in range(1200)])
    report = imported(file, system)
    assert (report.stored, report.skipped, report.damage) == (1200, {}, None)
    first = START // 60 * 60
    assert slots(system) == [first + 60 * n for n in range(1200)]
    sample = all_samples(system)[3]
    assert (sample["time"], sample["total_load"]) == (first + 180, 3)
    assert sample["partitions"]["main"]["partition_load"] == 0.5
    hours = open_reader(system).steps(TimeRange(first, first + 86400, 3600), 100)
    assert sum(part.weight for part in hours) == 1200


def test_import_can_be_repeated(tmp_path: Path) -> None:
    system = sqlite_settings(tmp_path)
    documents = [document(START + 60 * n) for n in range(700)]
    imported(tinydb(tmp_path / "db.json", documents[:300]), system)
    report = imported(tinydb(tmp_path / "db.json", documents), system)
    assert report.stored == 400
    assert report.skipped == {"its slot already has a sample": 300}
    assert len(slots(system)) == 700


def test_invalid_documents_are_skipped_and_reported(tmp_path: Path) -> None:
    system = sqlite_settings(tmp_path)
    documents = [
        document(START),
        document(START + 5),
        document(5),
        document(NOW + 500),
        {"total_load": 1},
        "text",
        document(START + 60, partitions=None),
        document(START + 120, total_cpus="many"),
        document(START + 180, partitions={"main": {"alloc_cpus": 1}}),
    ]
    report = imported(tinydb(tmp_path / "db.json", documents), system)
    assert report.stored == 1
    assert report.skipped == {
        "an earlier sample in the file has the same slot": 1,
        "its time is missing, before the year 2000 or in the future": 3,
        "it is not an object": 1,
        "it has no partitions": 1,
        "it has no number in total_cpus": 1,
        "it has no number in alloc_mem, total_cpus, total_mem, total_nodes, total_used_cpus_on_active_nodes,"
        " total_used_mem_on_active_nodes, partition_load": 1,
    }
    assert "Skipped 3: its time is missing" in describe(report)


def test_truncated_file_is_imported_up_to_the_damage(tmp_path: Path) -> None:
    system = sqlite_settings(tmp_path)
    file = tinydb(tmp_path / "db.json", [document(START + 60 * n) for n in range(50)])
    file.write_text(file.read_text()[:-300])
    report = imported(file, system)
    assert report.stored == 49
    assert report.damage is not None
    assert "The file is damaged at about byte" in describe(report)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    store = open_store(sqlite_settings(tmp_path))
    with pytest.raises(ArchiveError, match="cannot be read: No such file"):
        import_tinydb(tmp_path / "none", store, 60, NOW, lambda _: None)


def run_command(tmp_path: Path, file: Path) -> tuple[int, str]:
    config = tmp_path / "config.yml"
    config.write_text(f"system:\n  archive_path: {tmp_path}/archive/load.sqlite\n")
    result = CliRunner().invoke(main, ["--config", str(config), "import-archive", str(file)])
    return result.exit_code, result.output


def test_the_command_reports(tmp_path: Path) -> None:
    code, output = run_command(tmp_path, tinydb(tmp_path / "db.json", [document(START + 60 * n) for n in range(5)]))
    assert code == 0
    assert "Stored 5 samples." in output
    assert len(slots(sqlite_settings(tmp_path))) == 5


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"other": {"1": {"time": 5}}}'])
def test_command_refuses_a_file_that_is_no_archive(tmp_path: Path, text: str) -> None:
    (tmp_path / "db.json").write_text(text)
    code, output = run_command(tmp_path, tmp_path / "db.json")
    assert code == 1
    assert "no samples" in output
