"""The route /load over an archive."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.archive.contract import LoadAnswer
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import Settings
from tests.archive.databases import open_store
from tests.archive.samples import make_sample
from tests.auth.users import ADMIN, ServiceWithUsers
from tests.conftest import make_client

DAY = 86400
OF_2018 = {"time", "total_load", "total_cpus", "total_mem", "alloc_cpus", "alloc_mem", "partitions"}
PARTITION_OF_2018 = {
    "alloc_cpus", "alloc_mem", "total_cpus", "total_mem", "total_nodes", "total_used_cpus_on_active_nodes",
    "total_used_mem_on_active_nodes", "partition_load", "state",
}  # fmt: skip


def settings_with(tmp_path: Path, **system: Any) -> Settings:
    return Settings.model_validate(
        {
            "system": {
                "archive_usage_load": True,
                "archive_path": str(tmp_path / "load.sqlite"),
                "runtime_dir": tmp_path / "run",
                **system,
            },
            "filter": {"partitions": ["secret"]},
        }
    )


@pytest.fixture
def archive_settings(tmp_path: Path) -> Settings:
    return settings_with(tmp_path)


@pytest.fixture
def store(archive_settings: Settings) -> ArchiveWriter:
    return open_store(archive_settings.system)


@pytest.fixture
def archive(archive_settings: Settings) -> FlaskClient:
    return make_client(archive_settings)


@pytest.fixture(scope="module")
def filled() -> Iterator[dict[int, sqlite3.Connection]]:
    """Databases of two days, by their newest slot. A test gets a copy, because filling one takes long."""
    databases: dict[int, sqlite3.Connection] = {}
    yield databases
    for database in databases.values():
        database.close()


@pytest.fixture
def now(archive_settings: Settings, store: ArchiveWriter, filled: dict[int, sqlite3.Connection]) -> int:
    """The current slot, and a sample a minute for two days before it. The load is the age in minutes."""
    slot = int(time.time()) // 60 * 60
    with closing(sqlite3.connect(str(archive_settings.system.archive_path))) as archive:
        if slot not in filled:
            store.add_past([make_sample(slot - 60 * n, n, ("main", "gpu")) for n in range(2 * 1440)])
            while store.roll_up(slot, 100):
                pass
            filled[slot] = sqlite3.connect(":memory:")
            archive.backup(filled[slot])
        else:
            filled[slot].backup(archive)
    return slot


def data(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/load{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def test_the_default_is_the_newest_sample_in_the_shape_of_2018(archive: FlaskClient, now: int) -> None:
    (sample,) = data(archive)
    assert now - 60 <= sample["time"] <= now + 60
    assert set(sample) >= OF_2018
    assert set(sample["partitions"]) == {"main", "gpu"}
    assert set(sample["partitions"]["main"]) >= PARTITION_OF_2018


def test_the_graphs_page_gets_its_day_and_the_day_before(archive: FlaskClient, now: int) -> None:
    day = data(archive, "?time=86400")
    before = data(archive, "?time=86400&offset=86400")
    # The clock may advance by a slot between the fixture and the request.
    assert len(day) in (1439, 1440)
    assert [sample["time"] for sample in day] == sorted(sample["time"] for sample in day)
    assert before[-1]["time"] + 60 in (day[0]["time"], day[0]["time"] + 60)
    assert all({"time", "total_load"} <= set(sample) for sample in day)


def test_time_and_offset_of_seconds(archive: FlaskClient, now: int) -> None:
    times = [sample["time"] for sample in data(archive, "?time=300")]
    assert len(times) in (4, 5)
    assert {time % 60 for time in times} == {0}
    assert data(archive, "?time=0") == []
    (sample,) = data(archive, "?offset=3600")
    assert sample["time"] in (now - 3600, now - 3540)


def test_a_range_by_since_and_until(archive: FlaskClient, now: int) -> None:
    found = data(archive, f"?since={now - 600}&until={now - 300}")
    assert [sample["time"] for sample in found] == [now - 60 * n for n in (10, 9, 8, 7, 6)]
    assert len(data(archive, "?since=now-10minutes&until=now-5minutes")) == 5


def test_steps_have_means_and_bounds(archive: FlaskClient, now: int) -> None:
    hour = (now - 7200) // 3600 * 3600
    (sample,) = data(archive, f"?since={hour}&until={hour + 3600}&step=3600")
    loads = [(now - slot) // 60 for slot in range(hour, hour + 3600, 60)]
    assert sample["time"] == hour
    assert sample["total_load"] == sum(loads) / 60
    assert (sample["total_load_min"], sample["total_load_max"]) == (min(loads), max(loads))
    assert sample["partitions"]["gpu"]["partition_load_max"] == max(loads)
    # The current, incomplete step is included.
    assert data(archive, "?time=86400&step=3600")[-1]["time"] == now // 3600 * 3600


def test_gap_has_no_samples(archive: FlaskClient, store: ArchiveWriter) -> None:
    slot = int(time.time()) // 3600 * 3600
    store.add_past([make_sample(slot - 5 * 3600), make_sample(slot - 3600)])
    assert [sample["time"] for sample in data(archive, "?time=86400&step=3600")] == [slot - 5 * 3600, slot - 3600]


def test_hidden_partitions_are_left_out_of_old_samples(archive: FlaskClient, store: ArchiveWriter) -> None:
    slot = int(time.time()) // 60 * 60
    store.add_past([make_sample(slot - 60 * n, partitions=("main", "secret", "renamed")) for n in range(20)])
    for query in ("?time=3600", "?time=3600&step=600", "?time=3600&format=ndjson", "?time=3600&partition=secret,main"):
        text = archive.get(f"/load{query}").text
        assert "secret" not in text
        assert "main" in text
    assert set(data(archive, "?time=3600")[0]["partitions"]) == {"main", "renamed"}


def test_partitions_and_fields_can_be_chosen(archive: FlaskClient, now: int) -> None:
    (sample,) = data(archive, "?partition=gpu")
    assert set(sample["partitions"]) == {"gpu"}
    (sample,) = data(archive, "?fields=total_load,time")
    assert list(sample) == ["total_load", "time"]
    (sample,) = data(archive, "?fields=time,partitions.partition_load&partition=main,none")
    assert sample["partitions"] == {"main": {"partition_load": sample["partitions"]["main"]["partition_load"]}}
    stepped = data(archive, "?time=7200&step=3600&fields=total_load")
    assert set(stepped[0]) == {"total_load", "total_load_min", "total_load_max"}


def test_csv_and_ndjson(archive: FlaskClient, now: int) -> None:
    expected = data(archive, f"?since={now - 600}&until={now}&fields=time,total_load")
    query = f"/load?since={now - 600}&until={now}&fields=time,total_load"
    lines = archive.get(f"{query}&format=ndjson").text.splitlines()
    assert [json.loads(line) for line in lines] == expected
    rows = list(csv.DictReader(io.StringIO(archive.get(f"{query}&format=csv").text, newline="")))
    assert [int(row["time"]) for row in rows] == [sample["time"] for sample in expected]
    named = archive.get(query.replace("/load?", "/load.csv?"))
    assert (named.mimetype, named.text) == ("text/csv", archive.get(f"{query}&format=csv").text)
    assert archive.get("/load.csv?format=csv").status_code == 400


def test_csv_has_a_column_for_each_field_of_each_partition(archive: FlaskClient, store: ArchiveWriter) -> None:
    slot = int(time.time()) // 60 * 60
    store.add_past([make_sample(slot - 60, 0.5), make_sample(slot, 0.7, ("main", "gpu"), nodes_by_state={"DOWN": 1})])
    older, newer = csv.DictReader(io.StringIO(archive.get("/load?time=600&format=csv").text, newline=""))
    assert (older["partitions.main.partition_load"], newer["partitions.gpu.partition_load"]) == ("0.5", "0.7")
    assert (older["partitions.gpu.partition_load"], newer["nodes_by_state.DOWN"]) == ("", "1")
    assert older["partitions.main.nodes_by_state.IDLE"] == "2"
    picked = archive.get("/load?time=600&format=csv&fields=time,partitions.state&partition=main").text
    assert picked == f"time,partitions.main.state\r\n{slot - 60},UP\r\n{slot},UP\r\n"


def test_pages_keep_the_chosen_step(tmp_path: Path, store: ArchiveWriter, now: int) -> None:
    client = make_client(settings_with(tmp_path, load_max_samples=4))
    # Four hours that begin within an hour overlap five.
    since = now // 3600 * 3600 - 5 * 3600 + 60
    answer = client.get(f"/load?since={since}&until={since + 4 * 3600}").get_json()["meta"]
    assert (answer["step"], answer["truncated"]) == (3600, True)
    rest = client.get(answer["next"]).get_json()
    assert rest["meta"]["step"] == 3600
    assert [sample["time"] for sample in rest["data"]] == [since - 60 + 4 * 3600]


def test_response_is_limited_and_truncated_is_set(tmp_path: Path, store: ArchiveWriter, now: int) -> None:
    client = make_client(settings_with(tmp_path, load_max_samples=10))
    # A range that is too long for raw samples gets a wider step.
    answer = client.get(f"/load?since={now - DAY}&until={now}").get_json()
    assert answer["meta"]["step"] == 21600
    assert answer["meta"]["truncated"] is False
    link: str | None = f"/load?since={now - DAY // 2}&until={now}&step=600"
    seen: list[int] = []
    while link:
        page = client.get(link)
        answer = page.get_json()
        assert len(answer["data"]) <= 10
        seen += [sample["time"] for sample in answer["data"]]
        link = answer["meta"]["next"]
        assert (page.headers.get("X-Truncated") == "1") == answer["meta"]["truncated"] == (link is not None)
    first = (now - DAY // 2) // 600 * 600
    assert seen == list(range(first, now, 600))


def test_responses_match_the_contract(archive: FlaskClient, now: int) -> None:
    for query in ("", "?time=3600", "?time=86400&step=3600"):
        answer = archive.get(f"/load{query}").get_json()
        assert len(LoadAnswer.model_validate(answer).data) == answer["meta"]["count"] > 0


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("time=-1", "time", "greater than or equal to 0"),
        ("time=soon", "time", "valid integer"),
        ("offset=-1", "offset", "greater than or equal to 0"),
        ("offset=x", "offset", "valid integer"),
        ("step=0", "step", "greater than or equal to 1"),
        ("since=tomorrow&until=yesterday", "since", "is not before `until`"),
        ("since=soon", "since", "Expected epoch seconds"),
        ("since=today&time=5", "time", "cannot be combined with"),
        ("fields=total_laod", "fields", "Did you mean `total_load`?"),
        ("format=xml", "format", "'json', 'csv', 'tsv', 'ndjson' or 'table'"),
        ("tiem=5", "tiem", "Did you mean `time`?"),
    ],
)
def test_invalid_values_are_named(archive: FlaskClient, query: str, parameter: str, words: str) -> None:
    answer = archive.get(f"/load?{query}")
    assert answer.status_code == 400
    (fault,) = answer.get_json()["errors"]
    assert fault["source"] == {"parameter": parameter}
    assert words in fault["detail"]


def test_an_archive_without_samples_is_empty(archive: FlaskClient) -> None:
    assert data(archive) == data(archive, "?time=86400") == data(archive, "?since=now-1week&step=3600") == []


def test_route_without_archive_gets_404_with_the_setting(settings: Settings) -> None:
    answer = make_client(settings).get("/load")
    assert answer.status_code == 404
    assert "system.archive_usage_load" in answer.get_json()["errors"][0]["detail"]


def test_an_archive_that_cannot_be_read_is_a_503(tmp_path: Path) -> None:
    (tmp_path / "load.sqlite").write_text("these are no tables" * 100)
    answer = make_client(settings_with(tmp_path)).get("/load")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert answer.get_json()["errors"][0]["title"] == "Load archive not available"


@pytest.mark.parametrize(
    "query",
    ["", "&step=600", "&format=csv", "&format=ndjson", "&partition=main", "&fields=partitions", "&fields=total_load"],
)
def test_private_jobs_are_not_counted(archive_settings: Settings, now: int, query: str) -> None:
    asked = ServiceWithUsers(archive_settings, "jobs")
    path = f"/load?since={now - DAY}{query}"
    whole, shown = asked.get_as(ADMIN, path), asked.get_as("alice", path)
    assert shown.status_code == 200
    assert ("jobs_running" in whole.text) == (query != "&fields=total_load")
    assert "jobs_" not in shown.text
    assert "tasks_" not in shown.text
    if "format" not in query:
        assert shown.get_json()["data"] == [without_counts(sample) for sample in whole.get_json()["data"]]


def without_counts(sample: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in sample.items() if not name.startswith(("jobs_", "tasks_"))}
    if "partitions" in kept:
        kept["partitions"] = {name: without_counts(figures) for name, figures in kept["partitions"].items()}
    return kept


def test_requested_counts_of_private_jobs_are_left_out(archive_settings: Settings, now: int) -> None:
    asked = ServiceWithUsers(archive_settings, "jobs")
    path = f"/load?since={now - DAY}&fields="
    counts = "jobs_running,partitions.jobs_running"
    shown = asked.get_as("alice", f"{path}time,{counts},partitions.partition_load").get_json()["data"]
    assert shown == asked.get_as(ADMIN, f"{path}time,partitions.partition_load").get_json()["data"]
    assert all(sample == {} for sample in asked.get_as("alice", f"{path}jobs_running").get_json()["data"])
    assert asked.get_as("alice", f"{path}jobs_running&format=csv").status_code == 200
    assert "Unknown field in `fields`: 'jobs_run'" in asked.get_as("alice", f"{path}jobs_run").text
