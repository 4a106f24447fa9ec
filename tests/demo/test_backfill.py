"""The demo's past and current data agree: jobs that leave /queue are in /history, and /load has no gap."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from flask.testing import FlaskClient

from slurm_rest_api.archive.sample import make_sample
from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.demo.accounting import AccountingFile
from slurm_rest_api.demo.backfill import backfill_events, backfill_jobs, backfill_load
from slurm_rest_api.demo.backfill_load import past_sample, wanted_slots
from slurm_rest_api.demo.cli_options import write_config
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.hardware import HIDDEN_PARTITION
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.demo.source_with_history import SourceWithHistory
from slurm_rest_api.demo.timeline import Timeline
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.conftest import make_client

TUESDAY_15H = 1_795_532_400
HOUR, DAY = 3600, 86400
SMALL = Scale(60, 200, 3)
Record = dict[str, Any]

# Fields of running jobs that change by the clock.
_MOVING: Final = ("elapsed", "time_efficiency")


class Lived:
    """A demo with a clock that the test sets, and a service over it."""

    def __init__(self, folder: DemoFolder, settings: Settings) -> None:
        self.now = TUESDAY_15H
        self.paths = RuntimePaths.of(settings)
        self.paths.make()
        self.folder = folder
        self.source = SourceWithHistory(SMALL, folder, lambda: self.now, start_backfill=lambda *_: None)
        self.cycle = Cycle(self.source, StoreWriter(self.paths.store), settings.filter.partitions, 10.0)
        self.client: FlaskClient = make_client(settings)

    def live(self, seconds: int) -> None:
        self.now += seconds
        self.cycle.run()

    def queue(self) -> dict[str, Record]:
        records: dict[str, Record] = self.client.get("/queue").get_json()["data"]
        return records

    def history(self, query: str) -> list[Record]:
        records: list[Record] = self.client.get(f"/history?limit=10000&times=epoch&{query}").get_json()["data"]
        # The service computes it for the real current time, which advances meanwhile.
        return [{field: value for field, value in record.items() if field not in _MOVING} for record in records]


@pytest.fixture
def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lived:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "runtime"))
    folder = DemoFolder(tmp_path / "demo, of a test")
    folder.prepare(SMALL)
    write_config(folder, SMALL)
    demo = Lived(folder, load_settings(folder.config, {}))
    demo.live(0)
    return demo


def ids(records: list[Record], *fields: str) -> set[tuple[Any, ...]]:
    return {tuple(record[field] for field in ("id_job", *fields)) for record in records}


def test_running_jobs_agree_in_queue_and_history(lived: Lived) -> None:
    for seconds in (10, 10, 60, 250, 10):
        lived.live(seconds)
        running = {
            (job["job_id"], job["start_time"], job["user_name"], job["nodes"])
            for job in lived.queue().values()
            if job["job_state"] == "RUNNING"
        }
        assert len(running) > 30
        assert ids(lived.history("state=R"), "time_start", "user_name", "nodelist") == running


def test_pending_jobs_agree_in_queue_and_history(lived: Lived) -> None:
    for seconds in (10, 900, 10):
        lived.live(seconds)
        pending = {
            (job["job_id"], job["array_task_str"]) for job in lived.queue().values() if job["job_state"] == "PENDING"
        }
        arrays = {number: text.split("%")[0] for number, text in pending if text}
        message = {
            (number, (text or "").split("%")[0]) for number, text in ids(lived.history("state=PD"), "array_task_str")
        }
        assert message == {(number, arrays.get(number, "")) for number, _ in pending}


def test_a_job_that_ends_leaves_the_queue_and_stays_in_history(lived: Lived) -> None:
    before = {job["job_id"] for job in lived.queue().values() if job["job_state"] == "RUNNING"}
    for _ in range(60):
        lived.live(60)
    left = before - {job["job_id"] for job in lived.queue().values()}
    assert len(left) > 3
    ended = {
        number: (state, end)
        for number, state, end in ids(lived.history("state=CD,F,TO,CA,NF,OOM"), "state", "time_end")
    }
    for number in left:
        state, end = ended[number]
        assert TUESDAY_15H < end <= lived.now
        assert state.startswith("JOB_")


def test_restarted_demo_catches_up(lived: Lived) -> None:
    running = ids(lived.history("state=R"))
    again = SourceWithHistory(SMALL, lived.folder, lambda: TUESDAY_15H + 6 * HOUR, start_backfill=lambda *_: None)
    again.load()
    later = Timeline(SMALL).at(TUESDAY_15H + 6 * HOUR)
    still = {(job.id,) for job in later.running if job.partition != HIDDEN_PARTITION}
    assert ids(lived.history("state=R")) == still
    assert running - still <= ids(lived.history("state=CD,F,TO,CA,NF,OOM,RQ"))


def test_backfill_runs_once_and_joins_the_live_records(lived: Lived) -> None:
    file = AccountingFile(lived.folder.accounting)
    backfill_jobs(lived.source.timeline, file, lived.now, 3)
    message = lived.history("")
    backfill_jobs(lived.source.timeline, file, lived.now, 3)
    file.close()
    assert lived.history("") == message
    keys = [record["id_record"] for record in message]
    assert len(set(keys)) == len(keys) > 1000
    ends = [record["time_end"] for record in message if record["time_end"]]
    assert min(ends) < lived.now - 2 * DAY
    assert max(ends) <= lived.now
    for record in message:
        assert record["time_submit"] <= (record["time_start"] or record["time_submit"])
        assert record["partition"] != HIDDEN_PARTITION


def test_events_agree_with_the_nodes_and_their_jobs(lived: Lived) -> None:
    file = AccountingFile(lived.folder.accounting)
    backfill_events(lived.source.timeline, file, lived.now, 3)
    backfill_jobs(lived.source.timeline, file, lived.now, 3)
    file.close()
    for seconds in (10, 30 * HOUR):
        lived.live(seconds)
        nodes = lived.client.get("/nodes").get_json()["data"]
        unusable = {
            (name, node["reason"])
            for name, node in nodes.items()
            if {"DOWN", "DRAIN", "FAIL"} & {node["state_base"], *node["state_flags"]}
        }
        events = lived.client.get("/events?event=node&limit=10000").get_json()["data"]
        open_ones = {(event["node"], event["reason"]) for event in events if event["end"] is None}
        assert unusable <= open_ones
        assert {nodes[name]["state_flags"][0] for name, _ in open_ones - unusable} <= {"MAINTENANCE"}
    ended = [event for event in events if event["end"] is not None]
    assert min(event["end"] for event in ended) < TUESDAY_15H - 2 * DAY
    assert max(event["end"] for event in ended) > TUESDAY_15H
    by_node: defaultdict[str, list[Record]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event["start"]):
        by_node[event["node"]].append(event)
    assert all(one["end"] <= two["start"] for found in by_node.values() for one, two in pairwise(found))
    down = {(event["node"], event["start"]) for event in events if event["state"] == "DOWN*"}
    failed = lived.history("state=NF&fields=failed_node,time_end")
    assert {(job["failed_node"], job["time_end"]) for job in failed} <= down
    assert len(failed) > 3


def test_users_match_the_submitters(lived: Lived) -> None:
    users = {row["user"]: row for row in lived.client.get("/users").get_json()["data"]}
    assert users["alice"]["default_account"] == "physics"
    assert users["alice"]["default_qos"] == "normal"
    assert {job["user_name"] for job in lived.queue().values()} <= set(users)


def test_backfilled_sample_equals_the_collectors(tmp_path: Path, settings: Settings) -> None:
    paths = RuntimePaths.of(settings)
    paths.make()
    source = DemoSource(SMALL, clock=lambda: TUESDAY_15H)
    Cycle(source, StoreWriter(paths.store), [HIDDEN_PARTITION], 10.0).run()
    with StoreReader(paths.store).view() as view:
        assert view is not None
        usage = orjson.loads(view.document("usage_summary"))
    assert past_sample(Timeline(SMALL), TUESDAY_15H) == make_sample(TUESDAY_15H, usage)


def test_backfill_fills_the_archive_once(lived: Lived) -> None:
    timeline = Timeline(SMALL)
    for _ in range(2):
        backfill_load(timeline, lived.folder.archive, lived.now, 1)
        query = f"since={lived.now - DAY}&until={lived.now}"
        samples = lived.client.get(f"/load?{query}").get_json()["data"]
        assert [sample["time"] for sample in samples] == sorted(wanted_slots(lived.now, 1))
        assert len(samples) == 143
        assert HIDDEN_PARTITION not in samples[0]["partitions"]
    hours = lived.client.get(f"/load?{query}&step=3600").get_json()["data"]
    assert 22 <= len(hours) <= 24


def test_the_process_writes_the_past_and_ends(tmp_path: Path) -> None:
    files, scale = DemoFolder(tmp_path / "demo"), Scale(20, 20, days=1)
    files.prepare(scale)
    options = [f"--folder={files.root}", "--nodes=20", "--jobs=20", "--seed=1", "--days=1"]
    command = [sys.executable, "-m", "slurm_rest_api.demo.backfill", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "The demo's past is written: job records of 1 days and load samples of 1" in done.stderr
    assert AccountingFile(files.accounting).is_rolled_up
    with closing(sqlite3.connect(files.archive)) as archive:
        [[samples]] = archive.execute("SELECT count(*) FROM load_sample")
    assert samples == 143


def test_recent_days_are_sampled_more_often() -> None:
    slots = list(wanted_slots(TUESDAY_15H, 90))
    gaps = [newer - older for newer, older in pairwise(slots)]
    assert gaps == sorted(gaps)
    assert {gaps[0], gaps[-1]} == {600, HOUR}
    assert slots[-1] < TUESDAY_15H - 89 * DAY


def test_folder_of_another_version_is_recreated(lived: Lived) -> None:
    (lived.folder.root / "demo.json").write_text("{}")
    lived.folder.prepare(SMALL)
    assert not lived.folder.accounting.exists()
