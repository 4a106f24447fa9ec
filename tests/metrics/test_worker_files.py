"""Counter files of web workers that are deleted or damaged while the workers count. Each worker is a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm_rest_api.metrics.worker_files import WorkerFiles
from tests.waiting import GIVE_UP_SECONDS

# A worker under uWSGI, without uWSGI: counts a request for each line, or prints the sums of all workers.
_WORKER = """
import pathlib, sys, types
number = int(sys.argv[2])
sys.modules["uwsgi"] = types.SimpleNamespace(worker_id=lambda: number, cores=1)
from slurm_rest_api.metrics import worker_files
worker_files._CHECK_SECONDS = 0.0
from slurm_rest_api.metrics.counters import DatabaseCounts, count_requests, open_counters
from slurm_rest_api.web.request_events import RequestEvent
counters = open_counters(pathlib.Path(sys.argv[1]))
count, database = count_requests(counters.mine), DatabaseCounts(counters.mine, 4)
event = RequestEvent(None, None, "GET", "/queue", "/queue", 200, 10, 0.01)
for line in sys.stdin:
    if line == "count\\n":
        count(event)
        database.checked_out(0.0)
        database.checked_in()
        print("counted", flush=True)
    else:
        text = counters.text().decode()
        names = ("slurm_rest_api_http_requests_total", "slurm_rest_api_database_pool")
        found = [row for row in text.splitlines() if row.startswith(names)]
        print("|".join(found), flush=True)
"""


class Worker:
    """A process that counts into `folder`."""

    def __init__(self, folder: Path, number: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(folder), str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def count(self, times: int) -> None:
        for _ in range(times):
            assert self.ask("count") == "counted"

    def sums(self) -> dict[str, float]:
        rows = (row.rpartition(" ") for row in self.ask("sums").split("|") if row)
        return {name.partition("{")[0].removeprefix("slurm_rest_api_"): float(value) for name, _, value in rows}

    def end(self) -> None:
        self.process.communicate(timeout=GIVE_UP_SECONDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


@pytest.fixture
def workers(folder: Path) -> Iterator[list[Worker]]:
    workers = [Worker(folder, 1), Worker(folder, 2)]
    yield workers
    for worker in workers:
        worker.end()


def delete_folder(folder: Path) -> None:
    delete_files(folder)
    folder.rmdir()


def delete_files(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def test_deleted_counters_begin_again_in_every_worker(folder: Path, workers: list[Worker]) -> None:
    one, two = workers
    one.count(3)
    two.count(2)
    assert one.sums()["http_requests_total"] == 5
    for delete in (delete_folder, delete_files):
        delete(folder)
        assert two.sums().get("http_requests_total", 0) == 0
        one.count(2)
        two.count(1)
        for worker in workers:
            assert worker.sums() == {
                "http_requests_total": 3, "database_pool_size_connections": 8, "database_pool_used_connections": 0
            }  # fmt: skip


def test_one_deleted_file_makes_its_worker_begin_again(folder: Path, workers: list[Worker]) -> None:
    one, two = workers
    one.count(3)
    two.count(2)
    (folder / "histogram_1.db").unlink()
    one.count(1)
    assert two.sums()["http_requests_total"] == 3
    assert {path.name for path in folder.glob("*_1*.db")} == {
        "counter_1.1.db", "gauge_livesum_1.1.db", "histogram_1.1.db"
    }  # fmt: skip
    # The successor of the worker goes on with these.
    one.end()
    workers[0] = Worker(folder, 1)
    workers[0].count(1)
    assert two.sums() == {
        "http_requests_total": 4, "database_pool_size_connections": 8, "database_pool_used_connections": 0
    }  # fmt: skip


def test_files_deleted_before_the_first_check_are_noticed(folder: Path) -> None:
    seconds = [0.0]
    files = WorkerFiles(folder, 1, lambda: seconds[0])
    files.open(str(folder / "counter_1.db"))
    delete_files(folder)
    seconds[0] = 10.0
    assert files.identifier() == "1.1"


DAMAGE = (b"", b"x", b"\xff" * 70_000, (b"\x40\0\0\0\0\0\0\0\x04\0\0\0ab") * 50)


def test_damaged_files_hide_no_other_counters(folder: Path, workers: list[Worker]) -> None:
    one, two = workers
    one.count(3)
    two.count(2)
    for number, content in enumerate(DAMAGE, 3):
        (folder / f"counter_{number}.db").write_bytes(content)
        assert one.sums()["http_requests_total"] == 5
    # A worker that starts with a damaged file begins again.
    for content in DAMAGE:
        (folder / "counter_3.db").write_bytes(content)
        three = Worker(folder, 3)
        three.count(4)
        assert one.sums()["http_requests_total"] == 9
        three.end()
