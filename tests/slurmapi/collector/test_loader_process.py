"""The loader as a real process that ends, crashes, hangs and prints as libslurm does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from slurm_rest_api.errors import SourceError
from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.collector.loader_process import Limits, LoaderProcess
from slurm_rest_api.slurmapi.collector.loader_protocol import PROGRESS, CycleResult, LoaderOptions
from slurm_rest_api.slurmapi.store.reader import StoreReader
from tests.waiting import wait_for, with_longer_limits

NO_LIMITS = Limits(cycle_seconds=30.0, cycles=0, rss_mib=0)


class Bench:
    """A loader on a scripted source."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / "script"
        self.store = folder / "snapshot.sqlite"
        self.loader: LoaderProcess | None = None

    def slurm(self, behaviour: str) -> None:
        self.script.write_text(behaviour)

    def start(self, limits: Limits = NO_LIMITS) -> LoaderProcess:
        self.loader = LoaderProcess(
            LoaderOptions("tests.fakes:scripted_source", hidden=(), refresh_seconds=10.0, store=str(self.store)),
            limits,
        )
        return self.loader


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    monkeypatch.setenv("FAKE_SLURM", str(bench.script))
    bench.slurm("ok")
    yield bench
    if bench.loader is not None:
        bench.loader.stop()
    assert children() == []


def children() -> list[psutil.Process]:
    """Returns the running loaders among this process's children."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if "slurm_rest_api.slurmapi.collector.loader_main" in child.cmdline()]


def test_a_cycle_fills_the_store_and_reports_its_cost(bench: Bench) -> None:
    report = bench.start().cycle()
    assert report.rpcs == 6
    assert report.seconds > 0
    with StoreReader(bench.store).view() as view:
        assert view is not None
        assert view.status().source == "fake"
        queue = view.collection("queue")
    assert queue is not None
    assert queue.total == report.jobs


def test_one_process_runs_all_cycles(bench: Bench) -> None:
    loader = bench.start()
    loader.cycle()
    (first,) = children()
    loader.cycle()
    assert children() == [first]


def test_an_unreachable_controller_is_an_error_without_a_restart(bench: Bench) -> None:
    loader = bench.start()
    bench.slurm("down")
    with pytest.raises(SourceError, match=r"^Unable to contact slurm controller \(connect failure\)$"):
        loader.cycle()
    (first,) = children()
    bench.slurm("ok")
    loader.cycle()
    assert children() == [first]


def test_the_source_is_opened_again_until_the_first_success(bench: Bench) -> None:
    loader = bench.start()
    opened = bench.script.with_suffix(".opened")
    for behaviour, times in (("down", 1), ("down", 2), ("ok", 3), ("down", 3), ("ok", 3)):
        bench.slurm(behaviour)
        with nullcontext() if behaviour == "ok" else pytest.raises(SourceError):
            loader.cycle()
        assert len(opened.read_text().splitlines()) == times


def test_an_exit_is_reported_with_its_code_and_last_output(bench: Bench) -> None:
    loader = bench.start()
    bench.slurm("exit")
    with pytest.raises(
        SourceError, match=r"ended with exit code 1\. Its last output: fatal: Could not establish a conf"
    ):
        loader.cycle()
    bench.slurm("ok")
    assert loader.cycle().rpcs == 6


def test_a_crash_is_reported_by_the_name_of_its_signal(bench: Bench) -> None:
    loader = bench.start()
    bench.slurm("crash")
    with pytest.raises(SourceError, match=r"The process that reads Slurm was ended by SIGSEGV\."):
        loader.cycle()
    bench.slurm("ok")
    assert loader.cycle().rpcs == 6


def test_a_load_that_hangs_is_ended_after_its_time(bench: Bench) -> None:
    loader = bench.start(Limits(cycle_seconds=1.5, cycles=0, rss_mib=0))
    bench.slurm("hang")
    with pytest.raises(SourceError, match=r"longer than `system\.cycle_timeout_seconds` \(1\.5 s\)"):
        loader.cycle()
    assert children() == []


REPORT = CycleReport(seconds=1.0, least_interval=1.0, rpcs=7, jobs=1, nodes=1, partitions=1, source_detail="slow")


def slow_loader(source: str, script: str, cycle_seconds: float) -> LoaderProcess:
    """Returns a loader whose process runs `script`."""
    options = LoaderOptions(source, hidden=(), refresh_seconds=10.0, store="unused")
    return LoaderProcess(options, Limits(cycle_seconds, 0, 0), command=[sys.executable, "-c", script])


def test_a_load_that_makes_progress_may_take_longer_than_its_time() -> None:
    def attempt(limit: float) -> CycleReport | None:
        script = (
            "import time\n"
            f"for _ in range(8): time.sleep({limit / 4}); print({PROGRESS!r}, flush=True)\n"
            f"print({CycleResult(REPORT).to_json()!r}, flush=True); time.sleep(600)"
        )
        loader = slow_loader("demo", script, limit)
        try:
            return loader.cycle()
        except SourceError:
            return None
        finally:
            loader.stop()

    assert with_longer_limits(attempt, lambda report: report is not None)[1] == REPORT


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("slurm:commands", r"slurmctld does not answer, or is very slow\. Check `scontrol ping`\."),
        ("demo:nodes=10000", r"this machine is too busy for the simulation\. Use fewer nodes, or raise the setting\."),
        ("site.cluster:make", r"the source site\.cluster:make does not answer\. Check it, or raise the setting\."),
    ],
)
def test_a_load_without_progress_names_what_does_not_answer(source: str, cause: str) -> None:
    script = f"import time; print({PROGRESS!r}, flush=True); time.sleep(600)"
    with pytest.raises(SourceError, match=rf"^Loading made no progress for .* and was ended: {cause}$"):
        slow_loader(source, script, 0.5).cycle()


def test_output_of_pyslurm_does_not_disturb_results(bench: Bench) -> None:
    bench.slurm("noise")
    assert bench.start().cycle().rpcs == 6


def test_the_loader_is_restarted_after_its_number_of_cycles(bench: Bench) -> None:
    loader = bench.start(Limits(cycle_seconds=30.0, cycles=2, rss_mib=0))
    assert loader.cycle().least_interval == 0.0
    (first,) = children()
    loader.cycle()
    assert children() == []
    # It is started again after few cycles, so its first one counts as any other.
    assert loader.cycle().least_interval > 0.0
    (second,) = children()
    assert second != first


def test_the_loader_is_restarted_above_its_memory_limit(bench: Bench) -> None:
    loader = bench.start(Limits(cycle_seconds=30.0, cycles=0, rss_mib=1))
    loader.cycle()
    assert children() == []


def test_a_killed_loader_is_reported_and_restarted(bench: Bench) -> None:
    loader = bench.start()
    loader.cycle()
    (first,) = children()
    first.kill()
    wait_for("the loader to end", lambda: first.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(SourceError, match="was ended by SIGKILL"):
        loader.cycle()
    loader.cycle()
    assert [child.pid for child in children()] != [first.pid]


def test_the_loader_dies_with_its_parent(bench: Bench) -> None:
    """A parent that is killed cannot clean up, and a loader blocked in an RPC notices nothing by itself."""
    bench.slurm("hang")
    parent = os.fork()
    if parent == 0:
        try:
            bench.start().cycle()
        finally:
            # Whatever happened: the fork must not go on as a second test session.
            os._exit(0)
    loader = wait_for("the loader to start", lambda: next(iter(psutil.Process(parent).children()), None))
    wait_for("the loader to hang", bench.script.with_suffix(".hangs").exists)
    os.kill(parent, 9)
    os.waitpid(parent, 0)
    wait_for("the loader to end", lambda: not psutil.pid_exists(loader.pid) or loader.status() == "zombie")
    assert not loader.is_running() or loader.status() == psutil.STATUS_ZOMBIE
