"""The comparison is made once for each pyslurm and Slurm, and its result is kept."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurmapi.sources.comparison import PartResult
from slurm_rest_api.slurmapi.sources.proof_record import (
    FILE_NAME,
    REPEAT_SECONDS,
    ProofRecord,
    identity_of,
    read_record,
    record_from_json,
    write_record,
)
from slurm_rest_api.slurmapi.sources.proof_run import ProofSettings, compare_once
from tests.waiting import GIVE_UP_SECONDS

NOW = 1_795_727_380.0
OLD = {"pyslurm": "25.11.2", "slurm": "25.11.7", "module": [1, 2], "libraries": [["/usr/lib64/libslurmfull.so", 3, 4]]}
NEW = {**OLD, "slurm": "26.5.5", "libraries": [["/usr/lib64/libslurmfull.so", 5, 6]]}
EQUAL = {"jobs": PartResult(46), "nodes": PartResult(5), "partitions": PartResult(2)}
WRONG_JOBS = {
    **EQUAL,
    "jobs": PartResult(46, 3, ("exit_code",), ("job 17 exit_code: pyslurm '9:0', commands '137:0'",)),
}
REASON = "3 of 46 jobs differ from Slurm's commands in exit_code"
NO_JOBS = {**EQUAL, "jobs": PartResult(0, gaps=("jobs: there was none",))}


def state_with(record: ProofRecord | None) -> State:
    return State("key", "25.11.2", [], "25.11.7", proof=None if record is None else record.as_json())


def child(*reports: dict[str, Any], then: str = "") -> list[str]:
    """A program that adds a line to a file for each run, prints `reports`, and runs the code `then`."""
    lines = "".join(json.dumps(report) + "\n" for report in reports)
    code = f"open(sys.argv[1], 'a').write('run\\n'); sys.stdout.write({lines!r}); sys.stdout.flush()"
    return [sys.executable, "-c", f"import sys\n{code}\n{then}"]


def done(result: Any) -> dict[str, Any]:
    record = ProofRecord(OLD, NOW, result)
    named = [text for found in result.values() for text in found.named]
    return {"record": record.as_json(), "summary": "compared", "named": named, "gaps": record.gaps, "done": True}


class Host:
    """A host with a runtime directory, whose child counts its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = ProofSettings(folder, GIVE_UP_SECONDS)

    def ask(self, command: list[str], identity: Any = NEW, state: State | None = None, now: float = NOW) -> Any:
        command = [*command, str(self.folder / "runs")]
        return compare_once(identity, state, self.settings, command=command, clock=lambda: now)

    @property
    def runs(self) -> int:
        file = self.folder / "runs"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_build_sh_compared_is_not_compared_again(host: Host) -> None:
    state = state_with(ProofRecord(OLD, NOW - 10 * REPEAT_SECONDS, WRONG_JOBS))
    assert host.ask(child(done(EQUAL)), OLD, state) == {"jobs": REASON}
    assert host.runs == 0


def test_an_upgrade_of_slurm_is_compared_once(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    state = state_with(ProofRecord(OLD, NOW, EQUAL))
    for _ in range(3):
        assert host.ask(child(done(WRONG_JOBS)), NEW, state) == {"jobs": REASON}
    assert host.runs == 1
    assert "job 17 exit_code: pyslurm '9:0', commands '137:0'" in caplog.text
    found = read_record(host.folder)
    assert found is not None
    assert (found.identity, found.result) == (NEW, WRONG_JOBS)
    # Another upgrade, or the way back.
    assert host.ask(child(done(EQUAL)), {**NEW, "slurm": "26.5.6"}, state) == {}
    assert host.runs == 2


def test_a_state_without_a_comparison_and_no_state(host: Host) -> None:
    assert host.ask(child(done(EQUAL)), NEW, state_with(None)) == {}
    assert host.ask(child(done(EQUAL)), NEW, None) == {}
    assert host.runs == 1


def test_what_could_not_be_compared_is_tried_again_a_day_later(host: Host) -> None:
    assert host.ask(child(done(NO_JOBS))) == {}
    assert host.ask(child(done(WRONG_JOBS)), now=NOW + REPEAT_SECONDS - 1) == {}
    assert host.ask(child(done(WRONG_JOBS)), now=NOW + REPEAT_SECONDS) == {"jobs": REASON}
    assert host.runs == 2


@pytest.mark.parametrize(
    ("reports", "then", "words"),
    [
        ([{"step": "comparison"}, {"unavailable": "slurmctld cannot be read."}], "", "slurmctld cannot be read"),
        ([{"step": "jobs"}], "import os; os.abort()", "it crashed with SIGABRT in step 'jobs'"),
        ([], "sys.exit('no module')", "it exited with status 1 in step 'start': no module"),
    ],
)
def test_a_comparison_that_fails_is_tried_again_at_the_next_start(
    host: Host, caplog: pytest.LogCaptureFixture, reports: list[dict[str, Any]], then: str, words: str
) -> None:
    for _ in range(2):
        assert host.ask(child(*reports, then=then)) == {}
    assert host.runs == 2
    assert words in caplog.text
    assert read_record(host.folder) is None


def test_a_comparison_that_takes_too_long_is_tried_again_a_day_later(host: Host) -> None:
    host.settings = ProofSettings(host.folder, 0.1)
    hang = [sys.executable, "-c", "import time; time.sleep(3600)"]
    assert host.ask(hang) == {}
    found = read_record(host.folder)
    assert found is not None
    assert found.uncompared == "the comparison did not end within 0.1 s"
    assert host.ask(["/nonexistent/program"]) == {}, "it is not run again"


def test_without_a_folder_only_the_record_of_build_sh_is_read(host: Host) -> None:
    host.settings = ProofSettings()
    assert host.ask(child(done(WRONG_JOBS))) == {}
    assert host.ask(child(done(EQUAL)), OLD, state_with(ProofRecord(OLD, NOW, WRONG_JOBS))) == {"jobs": REASON}
    assert host.runs == 0


def test_a_folder_that_cannot_be_written_is_logged(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.settings = ProofSettings(host.folder / "missing", GIVE_UP_SECONDS)
    assert host.ask(child(done(WRONG_JOBS))) == {"jobs": REASON}
    assert "The comparison is repeated at the next start." in caplog.text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"identity": 3}', '{"identity": {}, "compared_at": "x"}', "\x00"])
def test_an_invalid_record_is_made_again(host: Host, caplog: pytest.LogCaptureFixture, text: str) -> None:
    (host.folder / FILE_NAME).write_text(text)
    with caplog.at_level(logging.WARNING):
        assert read_record(host.folder) is None
    assert "which cannot be used" in caplog.text
    assert host.ask(child(done(EQUAL)), state=State("k", "1", [], proof={"identity": 3})) == {}
    assert read_record(host.folder) is not None


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    for record in (ProofRecord(OLD, NOW, WRONG_JOBS), ProofRecord(NEW, NOW, uncompared="no commands")):
        write_record(tmp_path, record)
        assert read_record(tmp_path) == record
        assert record_from_json(json.loads(json.dumps(record.as_json()))) == record


def test_the_identity_changes_with_the_library(tmp_path: Path) -> None:
    library = tmp_path / "libslurmfull.so"
    library.write_bytes(b"24.11.5")
    maps = tmp_path / "maps"
    maps.write_text(
        f"7f00-7f01 r-xp 00000000 fe:00 11 {library}\n7f01-7f02 r--p 00000000 fe:00 11 {library}\n"
        "7f02-7f03 r-xp 00000000 fe:00 12 /usr/lib64/libslurmfull-x/libc.so.6\n7f03-7f04 rw-p 0 00:00 0 [heap]\n"
    )
    module = SimpleNamespace(__version__="24.11.0", __file__=str(maps), slurm_api_version=lambda: (24, 11, 5))
    before = identity_of(module, maps)
    assert (before["pyslurm"], before["slurm"]) == ("24.11.0", "24.11.5")
    assert [row[0] for row in before["libraries"]] == [str(library)]
    assert identity_of(module, maps) == before == json.loads(json.dumps(before))
    library.write_bytes(b"24.11.6 ")
    assert identity_of(module, maps) != before
    library.unlink()
    assert identity_of(module, maps)["libraries"] == [[str(library)]]
    assert identity_of(SimpleNamespace(), maps)["slurm"] is None
