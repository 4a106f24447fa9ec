"""Groups of records, and of jobs that are divided by state, such as `group_by=user,state`."""

from __future__ import annotations

from tests.builders import make_partition
from tests.slurmapi.query.service import Service
from tests.slurmapi.query.test_list_query import JOBS, NODES


def test_nodes_and_partitions_are_grouped(api: Service) -> None:
    api.load(JOBS, nodes=NODES, partitions=[make_partition("main"), make_partition("long", state="DOWN")])
    by_partition = api.get("/nodes?group_by=partition")["data"]
    assert {name: entry["count"] for name, entry in by_partition.items()} == {"main": 2, "long": 2}
    assert (by_partition["main"]["gpus"], by_partition["main"]["gpus_used"]) == (2, 1)
    assert api.get("/nodes?group_by=feature")["data"]["(null)"]["count"] == 1
    assert api.get("/partitions?group_by=state&shape=list")["data"] == [
        {"state": "DOWN", "count": 1, "total_nodes": 1, "total_cpus": 4},
        {"state": "UP", "count": 1, "total_nodes": 1, "total_cpus": 4},
    ]


def test_groups_are_divided_by_state(api: Service) -> None:
    api.load(JOBS, nodes=NODES, partitions=[make_partition("main"), make_partition("long")])
    of_user = api.get("/queue?group_by=user&state=PD,R")["data"]
    divided = api.get("/queue?group_by=user,state&state=PD,R")["data"]
    assert {name: list(parts) for name, parts in divided.items()} == {"ada": ["PENDING", "RUNNING"], "bob": ["RUNNING"]}
    for name, parts in divided.items():
        assert of_user[name] == {key: sum(part[key] for part in parts.values()) for key in of_user[name]}
    for state in ("PENDING", "RUNNING"):
        alone = api.get(f"/queue?group_by=user&state={state}")["data"]
        assert alone == {name: parts[state] for name, parts in divided.items() if state in parts}
    text = api.client.get("/queue?group_by=user,state&state=R&format=csv").get_data(as_text=True)
    assert [line.split(",")[:3] for line in text.splitlines()] == [
        ["user", "state", "count"],
        *([name, "RUNNING", str(parts["RUNNING"]["count"])] for name, parts in divided.items()),
    ]
