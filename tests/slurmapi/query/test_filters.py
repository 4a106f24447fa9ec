"""Compares every filter, with every value of the simulated cluster, with the reference in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from tests.slurmapi.query.reference_nodes import features_of
from tests.slurmapi.query.routes import NODES, PARTITIONS, QUEUE, Route
from tests.slurmapi.query.service import Service

TUESDAY_15H = 1_795_532_400
Values = Callable[[dict[str, Any]], Iterable[Any]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Service:
    service = Service(tmp_path_factory.mktemp("demo"))
    service.follow(DemoSource(Scale(60, 400, 7), clock=lambda: TUESDAY_15H))
    service.cycle.run()
    return service


def array_names(job: dict[str, Any]) -> list[str]:
    if job["array_job_id"] is None:
        return []
    return [f"{job['array_job_id']}", f"{job['array_job_id']}_{job['array_task_id'] or 1}"]


@pytest.mark.parametrize(
    ("route", "parameter", "values_of"),
    [
        (QUEUE, "user", lambda job: [job["user_name"]]),
        (QUEUE, "account", lambda job: [job["account"]]),
        (QUEUE, "partition", lambda job: job["partition"].split(",")),
        (QUEUE, "state", lambda job: job["job_state"].split("+")),
        (QUEUE, "name", lambda job: [job["name"], f"{job['name'][:3]}*"]),
        (QUEUE, "qos", lambda job: [job["qos"]]),
        (QUEUE, "reason", lambda job: [job["state_reason"].split(",")[0]]),
        (QUEUE, "jobid", lambda job: [job["job_id"]]),
        (QUEUE, "array", array_names),
        (QUEUE, "submitafter", lambda job: [job["submit_time"]]),
        (QUEUE, "submitbefore", lambda job: [job["submit_time"]]),
        (QUEUE, "startafter", lambda job: [job["start_time"]]),
        (QUEUE, "startbefore", lambda job: [job["start_time"]]),
        (NODES, "state", lambda node: [*node["state_base"].split(), *node["state_flags"]]),
        (NODES, "partition", lambda node: node["partitions"]),
        (NODES, "feature", features_of),
        (NODES, "gres", lambda node: [name for gres in node["gres"] for name in (gres, gres.split(":")[0])]),
        (PARTITIONS, "name", lambda partition: [partition["name"]]),
        (PARTITIONS, "state", lambda partition: [partition["state"]]),
    ],
)
def test_each_value_is_found_by_its_filter(demo: Service, route: Route, parameter: str, values_of: Values) -> None:
    everything = list(demo.get(route.path)["data"].values())
    values = sorted({str(value) for record in everything for value in values_of(record) if value is not None})
    met = 0
    excluding = parameter not in ("jobid", "array") and not parameter.endswith(("after", "before"))
    for value in values[:: max(1, len(values) // 40)]:
        for text in (value, f"!{value}") if excluding else (value,):
            wanted = route.wanted(everything, {parameter: text})
            found = demo.get(route.path, **{parameter: text})["data"]
            assert list(found.values()) == wanted, f"{parameter}={text}"
            met += bool(wanted)
    assert met > 0


def test_jobs_are_found_by_node_and_nodes_by_hostlist(demo: Service) -> None:
    jobs, nodes = demo.get("/queue", state="R")["data"], demo.get("/nodes")["data"]
    for name in nodes:
        found = demo.get("/queue", state="R", node=name)["data"]
        assert found == {key: job for key, job in jobs.items() if name in job["cpus_allocated"]}
        assert list(demo.get("/nodes", name=name)["data"]) == [name]
    for job in jobs.values():
        assert set(demo.get("/nodes", name=job["nodes"])["data"]) == set(job["cpus_allocated"])
