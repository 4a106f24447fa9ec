"""The cost of responses in SQLite steps, statements, rendered records and bytes, not in time."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.responses import changes, records, responder
from slurm_rest_api.slurmapi.responses.json_stream import with_fields
from tests.builders import make_job
from tests.slurmapi.query.service import Service
from tests.slurmapi.store_connections import watch_connections

FEW, MANY = 500, 5_000


@dataclass
class Cost:
    """Cost of one request. `whole` records were read one by one, `rendered` records were parsed and rendered."""

    steps: int = 0
    statements: int = 0
    whole: int = 0
    rendered: int = 0
    bytes: int = 0


class Meter:
    """Counts the costs of reads of the store in `folder` from now on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cost = Cost()

        def watch(connection: sqlite3.Connection) -> None:
            connection.set_progress_handler(self._step, 1)
            connection.set_trace_callback(self._statement)

        def counted(*arguments: object) -> bytes:
            self.cost.rendered += 1
            return with_fields(*arguments)  # type: ignore[arg-type]

        watch_connections(monkeypatch, folder, watch)
        for module in (records, changes, responder):
            monkeypatch.setattr(module, "with_fields", counted)

    def _step(self) -> None:
        self.cost.steps += 1

    def _statement(self, sql: str) -> None:
        self.cost.statements += 1
        if sql.startswith("SELECT key, body FROM"):
            keys = re.search(r"json_each\('(\[.*\])'\)", sql)
            self.cost.whole += 1 if keys is None else len(json.loads(keys[1]))

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        self.cost = Cost()
        yield self.cost


Costs = Callable[..., Cost]


@pytest.fixture
def cost_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Costs:
    """Measures a request to a cluster of `jobs` jobs, ten of them of grace. `{version}` is that of the last load."""

    def measure(
        jobs: int, path: str, *, again: bool = False, before: str | None = None, encoding: str = "identity"
    ) -> Cost:
        api = Service(tmp_path / f"{jobs}-{len(list(tmp_path.iterdir()))}")
        cluster = {number: make_job(number, priority=number) for number in range(1, jobs + 1)}
        cluster |= {number: make_job(number, user_name="grace") for number in range(1, 11)}
        api.load(cluster)
        version = api.get("/queue", count="true")["meta"]["version"]
        api.load({**cluster, 7: make_job(7, user_name="grace", priority=1), 8: make_job(8, user_name="ada")})
        path, before = path.format(version=version), before and before.format(version=version)
        meter = Meter(api.paths.root, monkeypatch)
        fresh = Service(api.paths.root)
        # Asked of another process, so to speak: the one that is measured keeps no answer yet.
        tag = api.client.get(path).headers.get("ETag", "")
        headers = {"Accept-Encoding": encoding} | ({"If-None-Match": tag} if again else {})
        if before is not None:
            fresh.client.get(before, headers=headers)
        with meter.measured() as cost:
            response = fresh.client.get(path, headers=headers)
            cost.bytes = len(response.data)
        assert response.status_code == (304 if again else 200)
        monkeypatch.undo()
        return cost

    return measure


@pytest.mark.parametrize(
    "path",
    [
        "/queue/4",
        "/queue?user=grace&fields=job_id,name&limit=5",
        "/queue?user=grace&count=true",
        "/queue?array=3",
        "/queue?jobid=7,9,400&fields=job_id",
        f"/queue?jobid={','.join(map(str, range(1, 1001)))}&fields=job_id&limit=400",
        f"/queue?jobid={','.join(f'{number}_3' for number in range(1, 1001))}",
        f"/queue?jobid={','.join(f'{number}%2B3' for number in range(1, 1001))}",
        "/queue?jobid=7,9_3,4%2B1&user=none,grace&account=physics&count=true",
        "/queue?since={version}",
        "/queue?limit=5",
    ],
    ids=lambda path: path[:40],
)
def test_cost_is_independent_of_the_size_of_the_queue(cost_of: Costs, path: str) -> None:
    few, many = cost_of(FEW, path), cost_of(MANY, path)
    assert many.steps <= few.steps * 1.2
    assert (many.statements, many.rendered) == (few.statements, few.rendered)
    assert many.bytes <= few.bytes + 100


@pytest.mark.parametrize(
    ("path", "steps", "statements", "rendered"),
    [
        ("/queue/4", 250, 9, 1),
        ("/queue?user=grace&fields=job_id,name&limit=5", 700, 9, 0),
        ("/queue?user=grace&fields=job_id,comment&limit=5", 900, 14, 5),
        ("/queue?since={version}", 600, 8, 2),
        ("/queue?user=grace&count=true", 500, 8, 0),
        ("/queue?jobid=7&fields=job_id", 350, 8, 0),
        (f"/queue?jobid={','.join(map(str, range(1, 1001)))}&count=true", 40_000, 8, 0),
    ],
)
def test_cost_stays_below_its_limits(cost_of: Costs, path: str, steps: int, statements: int, rendered: int) -> None:
    cost = cost_of(MANY, path)
    assert (cost.steps <= steps, cost.statements <= statements, cost.rendered <= rendered) == (True,) * 3, cost


@pytest.mark.parametrize("path", ["/queue", "/queue?user=grace&limit=5", "/queue?state=PD", "/queue/4", "/usage"])
def test_an_unchanged_response_reads_only_the_versions(cost_of: Costs, path: str) -> None:
    cost = cost_of(FEW, path, again=True)
    assert cost.bytes == 0
    assert cost.rendered == 0
    assert cost.statements <= 6, cost
    assert cost.steps <= 250, cost


def test_filters_read_bodies_of_selected_records_only(cost_of: Costs) -> None:
    cost = cost_of(MANY, "/queue?sort=-priority&limit=3")
    assert cost.whole == 3
    assert cost.statements <= 12


@pytest.mark.parametrize("sort", ["-priority", "priority"])
def test_page_of_most_jobs_by_priority_sorts_no_other_jobs(cost_of: Costs, sort: str) -> None:
    # Counting the jobs takes five steps for each, and sorting them ten more.
    assert cost_of(MANY, f"/queue?state=PD&sort={sort}&limit=3").steps < 10 * MANY


@pytest.mark.parametrize(
    "query", ["fields=job_id", "count=true", "group_by=user", "sort=-job_id&limit=50"], ids=lambda query: query
)
def test_filter_without_an_index_reads_all_jobs_once(cost_of: Costs, query: str) -> None:
    # It takes three steps for each job, and the count of those that it finds no more.
    assert cost_of(MANY, f"/queue?name=none&{query}").steps < 4 * MANY


@pytest.mark.parametrize("query", ["count=true", "group_by=user"])
def test_groups_of_a_range_seek_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    api = Service(tmp_path)
    api.load({job_id: make_job(job_id, priority=job_id) for job_id in range(1, 5)})
    statements: list[str] = []
    watch_connections(monkeypatch, api.paths.root, lambda raw: raw.set_trace_callback(statements.append))
    assert Service(api.paths.root).get(f"/queue?{query}&priority%3E=2")["meta"]["total"] == 3
    monkeypatch.undo()
    [statement] = [sql for sql in statements if "num_cpus" in sql]
    with closing(sqlite3.connect(api.paths.store)) as connection:
        plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert plan[0] == "SCAN queue_index"


def test_page_of_jobs_of_one_priority_sorts_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = 2_000
    api = Service(tmp_path)
    api.load({job_id: make_job(job_id, job_state="PENDING", priority=7) for job_id in range(1, number + 1)})
    counts: list[None] = []
    watch_connections(
        monkeypatch, api.paths.root, lambda raw: raw.set_progress_handler(lambda: counts.append(None), 10)
    )
    first = api.get("/queue", state="PD", sort="-priority", limit="3", fields="job_id", shape="list")
    assert [job["job_id"] for job in first["data"]] == [1, 2, 3]
    # Counting the jobs takes five steps for each, and sorting them ten more.
    assert 0 < 10 * len(counts) < 10 * number


def test_page_by_priority_is_the_same_by_index_and_by_sorting(tmp_path: Path) -> None:
    api = Service(tmp_path)
    states = ("PENDING", "PENDING", "RUNNING", "PENDING")
    jobs = {
        number: make_job(number, job_state=states[number % 4], priority=None if number % 7 == 0 else number % 5)
        for number in range(1, 41)
    }
    api.load(jobs)
    for descending in (False, True):
        # SQLite sorts null first. Jobs with one priority come in the order of their ids.
        pending = [number for number in jobs if jobs[number]["job_state"] == "PENDING"]
        rank = {number: -1 if jobs[number]["priority"] is None else jobs[number]["priority"] for number in pending}
        expected = sorted(pending, key=lambda number: (-rank[number] if descending else rank[number], number))
        sort = "-priority" if descending else "priority"
        found, query = [], {"state": "PD", "sort": sort, "limit": "7", "fields": "job_id", "shape": "list"}
        path = "/queue"
        while path:
            body = api.get(path, **query)
            found += [job["job_id"] for job in body["data"]]
            path, query = body["meta"]["next"], {}
        assert found == expected


def test_fields_that_are_columns_need_no_bodies(cost_of: Costs) -> None:
    cost = cost_of(MANY, "/queue?user=grace&fields=job_id,name,job_state,priority&limit=5")
    assert (cost.whole, cost.rendered) == (0, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/queue?user=grace&fields=job_id,name&limit=5",
        "/queue?group_by=user",
        "/queue?since={version}",
        "/queue/4",
        "/partitions",
        "/usage",
    ],
)
def test_an_equal_request_reads_only_the_version(cost_of: Costs, path: str) -> None:
    cost = cost_of(FEW, path, before=path)
    assert (cost.statements, cost.rendered) == (1, 0), cost
    assert cost.steps <= 15, cost
    assert cost.bytes > 0


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("/queue?group_by=user&_=2", "/queue?group_by=user&_=1"),
        ("/queue?fields=job_id&user=grace", "/queue?user=grace&fields=job_id"),
        ("/queue?since={version}&_=2", "/queue?since={version}&_=1"),
    ],
)
def test_an_equivalent_request_reads_only_the_versions(cost_of: Costs, path: str, before: str) -> None:
    cost = cost_of(MANY, path, before=before)
    assert (cost.statements <= 6, cost.rendered) == (True, 0), cost
    assert cost.steps <= 250, cost


def test_a_response_with_a_small_body_is_cached(cost_of: Costs) -> None:
    path = "/queue?fields=job_id,name,job_state,priority,user_name,account,partition,qos,submit_time"
    plain, gzip = (cost_of(MANY, path, before=path, encoding=encoding) for encoding in ("identity", "gzip"))
    assert plain.bytes > 256 * 1024 > gzip.bytes
    assert plain.steps > MANY > gzip.steps
