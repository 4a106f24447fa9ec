"""Follows README.md and docs/api/ word for word, as an ordinary user of a machine that has only Python and git."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.browser.asking import asked
from tests.fresh.examples import Example, curls, start_command
from tests.fresh.machine import FOLDER, USER, FreshMachine
from tests.fresh.shapes import BY_NAME, KEYED_DATA, differences
from tests.testbed.processes import processes_inside
from tests.waiting import GIVE_UP_SECONDS, wait_for

MIB = 1024 * 1024
# The loader grows for some minutes, to about 100 MiB. The test may run before that or after it.
MOST_MEMORY_MIB = 350
# The first start downloads the packages.
INSTALL_SECONDS = 3600.0
# A process of low priority writes the past. On a busy machine it gets little of the processor.
PAST_SECONDS = 3600.0


def data(question: str) -> Any:
    return asked("http://127.0.0.1:5000/", question)["data"]


@pytest.fixture(scope="session")
def demo(machine: FreshMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo, started by README's command on the fresh machine; gives its log."""
    log = tmp_path_factory.mktemp("fresh") / "log"
    process = machine.shell.popen(["bash", "-c", start_command()], user=USER, cwd=FOLDER, log=log)

    def said() -> str | None:
        assert process.poll() is None, f"{start_command()} ended:\n{log.read_text()}"
        return log.read_text() if "The demo cluster is at http://127.0.0.1:5000/" in log.read_text() else None

    try:
        wait_for("the demo", said, seconds=INSTALL_SECONDS)
        # The records first, then their sums, then load samples, the newest first. No example needs older ones.
        for question in ("utilization?step=day&since=now-7days", "load?since=now-3days&until=now-2days"):
            wait_for(f"an answer to {question}", partial(data, question), seconds=PAST_SECONDS)
        yield log
    finally:
        process.terminate()
        process.wait(GIVE_UP_SECONDS)


def test_the_machine_has_no_slurm_and_the_user_no_rights(machine: FreshMachine) -> None:
    for program in ("squeue", "gcc", "curl", "mysqld"):
        assert machine.shell.run(["sh", "-c", f"command -v {program}"], check=False).returncode != 0
    assert machine.shell.run(["id", "-u"], user=USER).stdout.strip() != "0"


def test_the_start_shows_progress_the_address_and_three_commands(demo: Path) -> None:
    text = demo.read_text()
    assert "Making the environment" in text
    assert re.search(r"^  1 of \d\d: ", text, re.MULTILINE)
    assert text.count("  curl -s ") == 3
    assert "This is the demonstration cluster" in text


def test_every_route_has_a_command_with_its_answer() -> None:
    routes = {example.route for example in curls() if example.answer}
    assert {
        "/queue", "/nodes", "/partitions", "/reservations", "/licenses", "/fairshare", "/stats", "/usage", "/users",
        "/qos", "/accounts", "/history", "/load", "/health", "/health/live", "/metrics",
    } <= routes  # fmt: skip


@pytest.mark.parametrize("example", curls(), ids=lambda example: example.command)
@pytest.mark.usefixtures("demo")
def test_each_curl_answers_what_is_documented(example: Example) -> None:
    done = subprocess.run(
        ["bash", "-c", example.command], capture_output=True, text=True, check=True, timeout=GIVE_UP_SECONDS
    )
    if not example.is_json:
        assert example.answer is not None
        assert metric_names(example.answer) <= metric_names(done.stdout)
        return
    answer = json.loads(done.stdout)
    assert answer
    if example.answer is None:
        assert answer["meta"]["source"] == "demo"
        return
    documented = json.loads(example.answer)
    assert set(documented) == set(answer)
    for part in documented:
        keyed = part in BY_NAME or (part == "data" and example.route in KEYED_DATA)
        assert differences(documented[part], [answer[part]], part, by_name=keyed) == []
    # An empty answer would agree with everything.
    assert answer.get("data", answer.get("errors"))


def metric_names(text: str) -> set[str]:
    """Returns the names of the samples in Prometheus' text format."""
    return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line and not line.startswith("#")}


@pytest.mark.usefixtures("demo")
def test_the_demo_takes_little_memory(machine: FreshMachine) -> None:
    def command_line(pid: int) -> bytes:
        return Path(f"/proc/{pid}/cmdline").read_bytes()

    def proportional_bytes(pid: int) -> int:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

    # The process that writes the past has ended after some minutes.
    lasting = [pid for pid in processes_inside(machine.layout.root) if b"demo.backfill" not in command_line(pid)]
    sizes = {pid: proportional_bytes(pid) / MIB for pid in lasting}
    assert len(sizes) >= 4
    assert sum(sizes.values()) < MOST_MEMORY_MIB, sizes
