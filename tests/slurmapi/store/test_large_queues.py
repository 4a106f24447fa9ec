"""The most expensive question of each parameter, at 100,000 jobs, in steps of SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.availability.nodes import parse_nodes
from slurm_rest_api.slurmapi.query.parameters import NodesParameters, PartitionsParameters, QueueParameters
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from tests.conftest import make_client
from tests.slurmapi.store.large import EXPLAINED, JOBS, NODES, write_store
from tests.slurmapi.store_connections import watch_connections

_EVERY = 100
"""Steps between two calls of the handler that counts them."""


class Steps:
    """The steps of all statements on the store of one service."""

    def __init__(self, client: FlaskClient, version: str) -> None:
        self.client = client
        self.version = version
        self.number = 0

    def count(self) -> None:
        self.number += _EVERY

    def of(self, path: str, total: int | None) -> int:
        """Returns the steps of a request that finds `total` records."""
        self.number = 0
        response = self.client.get(path.format(version=self.version))
        assert response.status_code == 200, response.text[:200]
        if total is not None:
            assert response.headers["X-Total-Count"] == str(total)
        return self.number


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    settings = Settings.model_validate({"system": {"runtime_dir": tmp_path_factory.mktemp("large")}})
    paths = RuntimePaths.of(settings)
    paths.make()
    found = Steps(make_client(settings), write_store(paths.store))
    with pytest.MonkeyPatch.context() as patch:
        watch_connections(patch, paths.root, lambda connection: connection.set_progress_handler(found.count, _EVERY))
        yield found


def several(pattern: str, number: int) -> str:
    return ",".join(pattern.format(index) for index in range(number))


def bounds(name: str) -> str:
    """The most comparisons of one parameter, which every number meets."""
    return "&".join([f"{name}%3E=1", f"{name}%3C={10**9}"] * 10)


def all_bounds(*names: str) -> str:
    return "&".join(map(bounds, names))


PARTITIONS = several("p{}", 200)
NOT_THERE = several("a{}", 199)
SORT = ",-".join(("name", "partition", "priority", "user_name", "submit_time", "num_cpus", "job_state", "qos"))

CHEAP = {
    "/queue?count=true&node=n17": 8,
    "/queue?limit=5&node=n[1-50]&sort=-priority": 107,
    "/queue?limit=5&partition=p7": 500,
    "/queue?limit=5&partition=p7&user=grace": 1,
    "/queue?limit=5&partition=p7&node=n50": 0,
    "/queue?count=true&user=grace": 10,
    f"/queue?count=true&array={several('{}', 200)}": 100,
    f"/queue?count=true&array={several('{}_3', 200)}": 100,
    f"/queue?count=true&jobid={several('{}', 1000)}": 999,
    f"/jobs?id={several('{}', 1000)}": None,
    f"/jobs?id={several('{}_3', 1000)}": None,
    "/queue?since={version}": None,
    "/nodes?count=true&partition=p7": 50,
    "/nodes?count=true&name=n[1-50]": 50,
    "/nodes?count=true&feature=f200": 33,
}
"""Questions that cost what they find, and the number of records that they find."""

EXPENSIVE = {
    "/queue?count=true&node=n[1-9999]": 20_000,
    f"/queue?count=true&node={several('n{}', 50)}": 105,
    f"/queue?count=true&partition={PARTITIONS}": 100_000,
    f"/queue?count=true&partition={several('!p{}', 200)}": 0,
    "/queue?count=true&partition=!p7": 99_500,
    "/queue?count=true&node=n[1-9999]&partition=p0,p5&user=ada": 999,
    f"/queue?count=true&user={NOT_THERE},ada": 99_990,
    f"/queue?count=true&user={several('!a{}', 200)}": 100_000,
    f"/queue?count=true&account={NOT_THERE},physics": 100_000,
    f"/queue?count=true&qos={NOT_THERE},normal": 100_000,
    f"/queue?count=true&reason={NOT_THERE},priority": 100_000,
    f"/queue?count=true&name={NOT_THERE},job7": 100,
    f"/queue?count=true&name={several('!*a{}*', 20)}": 100_000,
    f"/queue?count=true&state={','.join(['PD+!R'] * 100)}": 80_000,
    f"/queue?count=true&state={','.join(['PD', 'R', 'CG', 'CD', 'F', 'TO', 'OOM', 'NF', 'CA', 'PR'] * 20)}": 100_000,
    "/queue?count=true&state=!CD,!CG,!F,!TO,!NF,!CA,!PR,!OOM": 100_000,
    f"/queue?count=true&jobid%3E=1&{'&'.join(f'jobid%3E={number}' for number in range(2, 21))}": 99_981,
    f"/queue?count=true&num_cpus={several('{}', 200)}&{bounds('num_cpus')}": 100_000,
    f"/queue?count=true&{all_bounds('priority', 'submit_time')}": 100_000,
    f"/queue?count=true&{all_bounds('num_nodes', 'memory', 'gpus', 'tasks', 'time_limit', 'run_time', 'end_time')}": 0,
    f"/queue?count=true&start_time={several('{}', 199)},2000005&start_time%3E=1": 1,
    "/queue?count=true&submitafter=1&submitbefore=3000000&startafter=1&startbefore=3000000": 20_000,
    f"/queue?limit=1&sort=-{SORT}": 100_000,
    "/queue?group_by=name": 100_000,
    "/queue?group_by=partition": 100_000,
    "/queue?limit=1&shape=list&fields=job_id": 100_000,
    f"/nodes?count=true&partition={PARTITIONS}": 9_999,
    f"/nodes?count=true&partition={several('!p{}', 200)}": 0,
    f"/nodes?count=true&feature={several('f{}', 200)}": 9_999,
    f"/nodes?count=true&gres={several('gpu:{}', 200)}": 9_999,
    "/nodes?count=true&name=n[1-9999]": 9_999,
    f"/nodes?count=true&state={','.join(['IDLE+!DRAIN'] * 100)}": 9_999,
    f"/nodes?count=true&gpu_type={several('{}', 200)}": 9_999,
    f"/nodes?count=true&cpus={several('{}', 200)}&{bounds('cpus')}": 9_999,
    f"/nodes?count=true&{all_bounds('alloc_cpus', 'idle_cpus', 'cpu_load', 'real_memory', 'alloc_mem', 'idle_mem')}": 0,
    f"/nodes?count=true&{all_bounds('free_mem', 'weight', 'gpus', 'free_gpus')}": 0,
    "/nodes?group_by=feature": 9_999,
}
"""The most expensive question of each parameter, and the number of records that it finds."""

_OTHERS = {"cache_buster", "format", "cursor", "clock", "fields"}
"""Parameters that read no more rows than the query without them. `cursor` is a condition on the order's columns."""


@pytest.mark.parametrize(("path", "total"), CHEAP.items(), ids=[path[:50] for path in CHEAP])
def test_a_question_costs_what_it_finds(steps: Steps, path: str, total: int | None) -> None:
    asked = path.partition("jobid=")[2].count(",") + path.partition("array=")[2].count(",") * 4
    # An id may be that of an array or of a heterogeneous job: three searches, and one for the record.
    asked += path.partition("?id=")[2].count(",") * 4
    assert steps.of(path, total) <= 2_000 + 60 * ((total or 0) + asked)


@pytest.mark.parametrize(("path", "total"), EXPENSIVE.items(), ids=[path[:50] for path in EXPENSIVE])
def test_the_most_expensive_question_reads_each_record_a_few_times(steps: Steps, path: str, total: int) -> None:
    """A list that was compared with each record would take 200 times as many."""
    records = JOBS if path.startswith("/queue") else 10_000
    assert steps.of(path, total) <= 150 * records


def test_tabs_with_the_queue_cost_what_one_does(steps: Steps) -> None:
    """Each asks for its page and for the sums by state once a version is new, as after a change of all priorities."""
    page, sums = "/queue?limit=50&shape=list&fields=job_id,job_state,priority", "/queue?group_by=state"
    first = [steps.of(page, JOBS), steps.of(sums, None)]
    assert 0 < first[0] <= 2_000 + 60 * 50
    # The highest priorities are read from an index: a sort would read all jobs.
    assert 0 < steps.of(f"{page}&sort=-priority", JOBS) <= 2_000 + 60 * 50
    # Sums by state and by reason are kept with the jobs: reading these would take 20 steps for each.
    assert 0 < first[1] <= 1_000
    assert 0 < steps.of("/queue?state=PD&group_by=reason", None) <= 1_000
    # Each request reads the version of the store, which takes some ten steps.
    assert sum(steps.of(path, None) for path in (page, sums) * 19) <= 38 * 20 < 19 * min(first)


def test_an_explanation_reads_few_jobs_and_parses_the_nodes_once(steps: Steps) -> None:
    parse_nodes.cache_clear()
    assert steps.of("/availability?cpus=8&mem=32000", 1) < 1_000
    explained = f"/queue/{EXPLAINED}/explain"
    # At most 500 jobs are ahead, and a search finds each of the 200 queues.
    assert steps.of(f"{explained}?fields=rank", None) < 20 * 500 + 40 * 200
    assert steps.of(explained, None) < 20 * 500 + 40 * 200 + 2_000
    found = steps.client.get(explained).get_json()["data"]
    # Each fifth job runs. The jobs of p8 are 200 apart.
    assert found["rank"][0]["jobs_ahead"] == (JOBS - EXPLAINED) // 200
    assert found["availability"][0]["free_nodes"] == NODES
    assert parse_nodes.cache_info().misses == 1


def test_each_parameter_is_asked() -> None:
    asked = "".join([*CHEAP, *EXPENSIVE])
    for kind, model in (("queue", QueueParameters), ("nodes", NodesParameters)):
        named = {name for name in model.model_fields if f"{name}=" in asked.replace("%3E", "")}
        assert model.model_fields.keys() - named <= _OTHERS, kind
    numbers = {"total_nodes", "total_cpus", "priority_tier"}
    assert PartitionsParameters.model_fields.keys() - _OTHERS - numbers <= NodesParameters.model_fields.keys()
