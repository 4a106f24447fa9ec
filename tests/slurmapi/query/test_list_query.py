"""Formats, single records, pages' links, validators and refusals."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from typing import Any

import pytest

from slurm_rest_api.slurm.array_tasks import has_task
from slurm_rest_api.slurmapi.responses import records
from tests.builders import make_job, make_node, make_partition, make_running_job
from tests.slurmapi.query.service import Service

JOBS = {
    5: make_job(5, array_job_id=5, array_task_str="3,7-9%2", priority=10),
    6: make_running_job(6, "rack001", array_job_id=5, array_task_id=1, name="=cmd|' /C calc'!A0", priority=30),
    7: make_running_job(7, "rack002", het_job_id=7, het_job_offset=0, user_name="bob", name='a "b",\tc', priority=20),
    8: make_running_job(8, "rack001", het_job_id=7, het_job_offset=1, partition="long", priority=20),
}
NODES = [
    make_node("rack001", state="MIXED+DRAIN", gres=["gpu:a100:2"], gres_used=["gpu:a100:1"], features="avx2,ib"),
    make_node("rack002", state="IDLE*", partitions=["main", "long"], features_active="avx2"),
    make_node("rack010", state="IDLE", partitions=["long"], features=[]),
]


@pytest.fixture
def loaded(api: Service) -> Service:
    api.load(JOBS, nodes=NODES, partitions=[make_partition("main"), make_partition("long", state="DOWN")])
    return api


def faults(api: Service, path: str, status: int = 400) -> list[dict[str, Any]]:
    response = api.client.get(path)
    assert response.status_code == status, response.get_data(as_text=True)
    errors: list[dict[str, Any]] = response.get_json()["errors"]
    return errors


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=mix", ["rack001"]),
        ("state=draining", ["rack001"]),
        ("state=IDLE", ["rack002", "rack010"]),
        ("state=IDLE,!NOT_RESPONDING", ["rack010"]),
        ("partition=long", ["rack002", "rack010"]),
        ("name=rack[001-009]", ["rack001", "rack002"]),
        ("feature=avx2", ["rack001", "rack002"]),
        ("feature=ib", ["rack001"]),
        ("gres=gpu", ["rack001"]),
        ("gres=gpu:a100:2", ["rack001"]),
        ("gres=gpu:h100", []),
        ("sort=-name", ["rack010", "rack002", "rack001"]),
    ],
)
def test_nodes_are_filtered(loaded: Service, query: str, names: list[str]) -> None:
    assert [node["name"] for node in loaded.get(f"/nodes?shape=list&{query}")["data"]] == names


@pytest.mark.parametrize("limit", ["", "&limit=2"])
@pytest.mark.parametrize("number", [2, 3])
def test_total_counts_records_beyond_those_read_first(
    loaded: Service, monkeypatch: pytest.MonkeyPatch, number: int, limit: str
) -> None:
    monkeypatch.setattr(records, "_FIRST_ROWS", 2)
    body = loaded.get(f"/queue?priority=20,{30 if number == 3 else 31}&fields=job_id&shape=list{limit}")
    assert body["meta"]["total"] == number
    assert [job["job_id"] for job in body["data"]] == ([6, 7, 8] if number == 3 else [7, 8])[: 2 if limit else None]
    assert (body["meta"]["next"] is None) == (number == 2 or not limit)


@pytest.mark.parametrize(
    ("query", "names"), [("name=main", ["main"]), ("state=down", ["long"]), ("name=!main", ["long"])]
)
def test_partitions_are_filtered_by_name_and_state(loaded: Service, query: str, names: list[str]) -> None:
    assert list(loaded.get(f"/partitions?{query}")["data"]) == names


def test_usage_of_some_partitions_and_nodes(loaded: Service) -> None:
    whole, part = loaded.get("/usage"), loaded.get("/usage?partition=long&node=rack[002,010]")
    nodes = whole["data"]["partitions"]["long"]["nodes"]
    expected = {**whole["data"]["partitions"]["long"], "nodes": {name: nodes[name] for name in ("rack002", "rack010")}}
    assert part["data"] == {**whole["data"], "partitions": {"long": expected}}
    assert part["meta"]["total"] == 1
    assert list(loaded.get("/usage?partition=!long&compact=true")["data"]["partitions"]) == ["main"]


def test_usage_with_some_fields(loaded: Service) -> None:
    whole = loaded.get("/usage")["data"]
    fields = "total_load,partitions.state,partitions.nodes.running_jobs,partitions.nodes.active"
    assert loaded.get(f"/usage?compact=true&partition=main&fields={fields}")["data"] == {
        "total_load": whole["total_load"],
        "partitions": {
            "main": {
                "state": "UP",
                "nodes": {
                    name: {"running_jobs": node["running_jobs"], "active": True}
                    for name, node in whole["partitions"]["main"]["nodes"].items()
                    if node["active"]
                },
            }
        },
    }
    assert loaded.get("/usage?fields=partitions,partitions.state")["data"] == {"partitions": whole["partitions"]}
    assert loaded.get("/usage?fields=jobs_running")["data"] == {"jobs_running": whole["jobs_running"]}
    assert loaded.get("/usage?node=rack002&fields=partitions.nodes")["data"]["partitions"]["long"] == {
        "nodes": {"rack002": whole["partitions"]["long"]["nodes"]["rack002"]}
    }


def test_usage_counts_what_queue_and_nodes_show(loaded: Service) -> None:
    usage = loaded.get("/usage")["data"]
    for state, field in (("R", "jobs_running"), ("PD", "jobs_pending")):
        groups = loaded.get(f"/queue?state={state}&group_by=partition")["data"]
        assert usage[field] == loaded.get(f"/queue?state={state}&count=true")["data"]["count"]
        counted = {name: partition[field] for name, partition in usage["partitions"].items() if partition[field]}
        assert counted == {name: group["count"] for name, group in groups.items() if name in usage["partitions"]}
    nodes = loaded.get("/nodes?count=true")["data"]
    assert (usage["alloc_gpus"], usage["total_gpus"]) == (nodes["gpus_used"], nodes["gpus"])
    assert sum(usage["nodes_by_state"].values()) == nodes["count"]


def test_unknown_field_of_usage_is_named(loaded: Service) -> None:
    refused = loaded.client.get("/usage?fields=partitions.nodes.jobs")
    assert refused.status_code == 400
    assert "Unknown field in `fields`: 'partitions.nodes.jobs'." in refused.get_json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("job_id", "found"),
    [("5", 5), ("6", 6), ("5_1", 6), ("5_3", 5), ("5_8", 5), ("7+1", 8), ("7%2B0", 7), ("7%201", 8)],
)
def test_job_is_found_by_each_form_of_its_id(loaded: Service, job_id: str, found: int) -> None:
    assert loaded.get(f"/queue/{job_id}")["data"] == loaded.get("/queue")["data"][str(found)]


@pytest.mark.parametrize(("tasks", "ones"), [("2-9%4", range(2, 10)), ("1,3,10-20:5", [1, 3, 10, 15, 20]), ("0", [0])])
def test_pending_tasks_are_found_in_their_shared_record(tasks: str, ones: Any) -> None:
    assert [task for task in range(30) if has_task(tasks, task)] == list(ones)


def test_single_records_by_name_and_their_fields(loaded: Service) -> None:
    assert loaded.get("/nodes/rack002")["data"] == loaded.get("/nodes")["data"]["rack002"]
    assert loaded.get("/partitions/long?fields=state,name")["data"] == {"state": "DOWN", "name": "long"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/queue/99", "There is no job 99."),
        ("/queue/5_2", "There is no job 5_2."),
        ("/queue/7+9", "There is no job 7+9."),
        ("/nodes/rack9", "There is no node 'rack9'."),
        ("/partitions/none", "There is no partition 'none'."),
    ],
)
def test_missing_record_is_a_404_that_names_it(loaded: Service, path: str, words: str) -> None:
    assert faults(loaded, path, 404)[0]["detail"].startswith(words)


def test_csv_is_read_back_and_runs_no_formula(loaded: Service) -> None:
    response = loaded.client.get("/queue.csv?fields=job_id,name,cpus_allocated&user=!nobody")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["X-Total-Count"] == "4"
    lines = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert lines[1] == {"job_id": "6", "name": "'=cmd|' /C calc'!A0", "cpus_allocated": '{"rack001":1}'}
    assert lines[2]["name"] == 'a "b",\tc'
    same = loaded.client.get("/queue?format=csv&fields=job_id,name,cpus_allocated&user=!nobody")
    assert same.data == response.data


def test_ndjson_is_one_record_a_line(loaded: Service) -> None:
    response = loaded.client.get("/queue?format=ndjson")
    assert [json.loads(line) for line in response.data.splitlines()] == list(loaded.get("/queue")["data"].values())
    assert response.headers["Content-Type"].startswith("application/x-ndjson")


def test_tsv_has_no_tab_inside_a_cell(loaded: Service) -> None:
    lines = loaded.client.get("/queue?format=tsv&fields=job_id,name").get_data(as_text=True).splitlines()
    assert lines[0] == "job_id\tname"
    assert lines[3] == '7\ta "b", c'


def test_table_is_aligned(loaded: Service) -> None:
    response = loaded.client.get("/queue?format=table&fields=job_id,user_name,job_state")
    lines = response.get_data(as_text=True).splitlines()
    assert lines[0] == "JOB_ID USER_NAME JOB_STATE"
    assert lines[3] == "7      bob       RUNNING"
    assert loaded.client.get("/queue?format=table").data.startswith(b"JOB_ID PARTITION NAME")


def test_groups_as_a_table(loaded: Service) -> None:
    text = loaded.client.get("/queue?group_by=user&format=csv").get_data(as_text=True)
    assert text.splitlines() == ["user,count,cpus,nodes,memory,gpus,tasks", "ada,3,3,3,0,0,6", "bob,1,1,1,0,0,1"]


def test_the_next_page_is_linked(loaded: Service) -> None:
    response = loaded.client.get("/queue?format=csv&fields=job_id&limit=3&sort=-priority")
    assert response.get_data(as_text=True).split() == ["job_id", "6", "7", "8"]
    link = response.headers["Link"].removeprefix("<").partition(">")[0]
    last = loaded.client.get(link)
    assert last.get_data(as_text=True).split() == ["job_id", "5"]
    assert "Link" not in last.headers


def test_filtered_response_is_a_304_until_the_data_changes(loaded: Service) -> None:
    path = "/queue?user=ada&fields=job_id"
    tag = loaded.client.get(path).headers["ETag"]
    assert loaded.client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert loaded.client.get("/queue?user=bob&fields=job_id", headers={"If-None-Match": tag}).status_code == 200
    loaded.load({5: JOBS[5]}, nodes=NODES)
    assert loaded.client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_304_reads_no_record(loaded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/queue?user=ada&limit=1"
    tag = loaded.client.get(path).headers["ETag"]
    monkeypatch.delattr("slurm_rest_api.slurmapi.store.queries.RecordQueries.ordered_keys")
    assert loaded.client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_small_responses_are_compressed_if_that_saves_bytes(loaded: Service) -> None:
    accepts = {"Accept-Encoding": "gzip"}
    tiny = loaded.client.get("/queue?fields=job_id&limit=1", headers=accepts)
    assert "Content-Encoding" not in tiny.headers
    small = loaded.client.get("/queue?limit=4", headers=accepts)
    assert small.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(small.data))["data"] == loaded.get("/queue")["data"]


def test_request_without_parameters_gets_the_prepared_body(loaded: Service) -> None:
    assert set(loaded.get("/queue")["meta"]) == {
        "source",
        "source_detail",
        "version",
        "changed_at",
        "total",
        "stale",
        "error",
    }


@pytest.mark.parametrize(
    ("path", "parameter", "words"),
    [
        ("/queue?fields=user_nam", "fields", "Did you mean `user_name`?"),
        ("/queue/5?fields=user_nam", "fields", "Did you mean `user_name`?"),
        ("/queue?sort=-priorty", "sort", "Did you mean `priority`?"),
        ("/queue?state=RUNING", "state", "There is no state 'RUNING'; the states are PENDING (PD)"),
        ("/nodes?state=R", "state", "There is no state 'R'"),
        ("/nodes?state=MIXED%2BDRIAN", "state", "There is no state 'DRIAN'"),
        ("/nodes?state=mix%2B", "state", "Expected states with single plus signs between them"),
        ("/queue?state=" + ",".join(["r%2Bcg"] * 101), "state", "at most 200 states"),
        ("/queue?limit=0", "limit", "greater than or equal to 1"),
        ("/queue?cursor=nonsense", "cursor", "Use the cursor of a response's meta.next"),
        ("/queue?cursor=WyJrZXkiLCB7fV0", "cursor", "Use the cursor of a response's meta.next"),
        ("/queue?node=n[1-99999999999]", "node", "has more than 10,000 node names"),
        ("/queue?node=n[1", "node", "is not a hostlist"),
        ("/queue?array=x", "array", "Expected array job ids"),
        ("/queue?array=5%2B1", "array", "Expected array job ids"),
        ("/queue?jobid=5,x", "jobid", "Expected a job id such as 123, 12_3 (array task) or 12+1"),
        ("/queue?jobid=" + ",".join(map(str, range(1001))), "jobid", "Expected at most 1000 job ids in one request"),
        ("/queue?limit=1&limit=2", "limit", "`limit` has more than one value: '1', '2'. Send one."),
        ("/queue?submitafter=1&submitafter=2", "submitafter", "`submitafter` has more than one value"),
        ("/queue?usr=", "usr", "Did you mean `user`?"),
        ("/queue?user=!", "user", "Expected a name after each !"),
        ("/queue?user=" + ",".join("a" * 201), "user", "at most 200 names"),
        ("/queue?wait=5", "wait", "Unknown parameter: 'wait'"),
        ("/queue?clock=true", "clock", "`clock` needs `since`"),
        ("/queue?since=x&sort=name", "sort", "`sort` cannot be combined with `since`"),
        ("/queue?group_by=user&limit=3", "limit", "`limit` cannot be combined with `group_by`"),
        ("/queue?count=true&group_by=user", "count", "Leave `count` out"),
        ("/queue?group_by=usr", "group_by", "Input should be 'user'"),
        ("/queue.csv?format=json", "format", "cannot be combined with the ending .csv"),
        ("/queue/abc", "jobid", "Invalid job id: 'abc'"),
    ],
)
def test_invalid_parameter_is_a_400_that_names_it(loaded: Service, path: str, parameter: str, words: str) -> None:
    (fault,) = faults(loaded, path)
    assert fault["source"] == {"parameter": parameter}
    assert words in fault["detail"]


def test_cursor_of_another_order_is_refused(loaded: Service) -> None:
    link = loaded.get("/queue?limit=1&sort=priority")["meta"]["next"]
    (fault,) = faults(loaded, link.replace("sort=priority", "sort=-priority"))
    assert fault["source"] == {"parameter": "cursor"}


@pytest.mark.parametrize("path", ["/queue?user=ada&limit=2", "/queue?format=csv&limit=1", "/nodes?state=IDLE"])
def test_same_request_is_served_from_the_cache(loaded: Service, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    accepts = {"Accept-Encoding": "gzip"}
    first, packed = loaded.client.get(path), loaded.client.get(path, headers=accepts)
    with monkeypatch.context() as patch:
        patch.delattr("slurm_rest_api.slurmapi.store.queries.RecordQueries.ordered_keys")
        again, packed_again = loaded.client.get(path), loaded.client.get(path, headers=accepts)
    for one, other in ((first, again), (packed, packed_again)):
        assert one.data == other.data
        assert {**one.headers, "Age": "0"} == {**other.headers, "Age": "0"}
    loaded.load({}, nodes=[])
    assert loaded.client.get(path).headers["X-Total-Count"] == "0"


@pytest.mark.parametrize(
    ("repeated", "joined"),
    [
        ("/queue?jobid=5&jobid=7", "/queue?jobid=5,7"),
        ("/queue?jobid=5_1&jobid=7%2B1&jobid=5", "/queue?jobid=5_1,7+1,5"),
        ("/queue?jobid=5&jobid=", "/queue?jobid=5"),
        ("/queue?user=bob&user=ada", "/queue?user=bob,ada"),
        ("/queue?user=!bob&user=!ada", "/queue?user=!bob,!ada"),
        ("/queue?account=none&account=physics", "/queue?account=none,physics"),
        ("/queue?partition=long&partition=none", "/queue?partition=long,none"),
        ("/queue?state=PD&state=CG", "/queue?state=PD,CG"),
        ("/queue?name=a*&name=%3D*", "/queue?name=a*,%3D*"),
        ("/queue?reason=none&reason=x", "/queue?reason=none,x"),
        ("/queue?array=5_1&array=5_3", "/queue?array=5_1,5_3"),
        ("/queue?node=rack001&node=rack002", "/queue?node=rack001,rack002"),
        ("/queue?fields=name&fields=job_id", "/queue?fields=name,job_id"),
        ("/queue?sort=user_name&sort=-job_id&shape=list", "/queue?sort=user_name,-job_id&shape=list"),
        ("/queue/5?fields=name&fields=job_id", "/queue/5?fields=name,job_id"),
        ("/nodes?name=rack001&name=rack002", "/nodes?name=rack[001-002]"),
        ("/nodes?state=mix&state=none,idle".replace("none,", ""), "/nodes?state=mix,idle"),
        ("/nodes?feature=ib&feature=x", "/nodes?feature=ib,x"),
        ("/nodes?gres=gpu:a100&gres=x", "/nodes?gres=gpu:a100,x"),
        ("/nodes?partition=long&partition=x", "/nodes?partition=long,x"),
        ("/partitions?name=main&name=long", "/partitions?name=main,long"),
        ("/partitions?state=up&state=down", "/partitions?state=up,down"),
        ("/usage?partition=main&partition=long", "/usage?partition=main,long"),
        ("/usage?node=rack001&node=rack002", "/usage?node=rack[001-002]"),
        ("/stats?fields=parts_packed&fields=req_time", "/stats?fields=parts_packed,req_time"),
    ],
)
def test_repeated_parameter_means_any_of_its_values(loaded: Service, repeated: str, joined: str) -> None:
    found, expected = loaded.client.get(repeated), loaded.client.get(joined)
    assert found.status_code == 200, found.text
    assert found.json == expected.json
    assert found.headers["ETag"] == expected.headers["ETag"]


def test_any_of_the_jobs_is_found(loaded: Service) -> None:
    assert list(loaded.get("/queue?jobid=5&jobid=7")["data"]) == ["5", "7"]
    assert list(loaded.get("/queue?jobid=8,6,99")["data"]) == ["6", "8"]
    assert list(loaded.get("/queue?jobid=5_1")["data"]) == ["6"]
    # A pending task is in the record of its array.
    assert list(loaded.get("/queue?jobid=5_8,5_9")["data"]) == ["5"]
    assert list(loaded.get("/queue?jobid=5_2")["data"]) == []
    assert list(loaded.get("/queue?jobid=7%2B1")["data"]) == list(loaded.get("/queue?jobid=7+1")["data"]) == ["8"]
    assert list(loaded.get("/queue?jobid=5,8&jobid>5")["data"]) == ["8"]
    assert list(loaded.get("/queue?jobid=5,8&user=bob")["data"]) == []
    assert loaded.get("/queue?jobid=5_1,7&count=true")["data"]["count"] == 2
    assert loaded.get("/queue?jobid=5,7,8&group_by=user&shape=list")["data"][1]["count"] == 1


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/queue?user=&partition=&state=&jobid=&node=&submitafter=&count=&limit=&cursor=&format=", "/queue"),
        ("/queue?user=bob&limit=&sort=", "/queue?user=bob"),
        ("/nodes?name=&state=&group_by=", "/nodes"),
        ("/partitions?name=", "/partitions"),
        ("/usage?partition=&node=&compact=", "/usage"),
        ("/stats?fields=", "/stats"),
        ("/queue/5?fields=", "/queue/5"),
    ],
)
def test_empty_parameter_is_no_filter(loaded: Service, path: str, plain: str) -> None:
    found, expected = loaded.client.get(path), loaded.client.get(plain)
    assert (found.status_code, found.json) == (200, expected.json)
    assert found.headers["ETag"] == expected.headers["ETag"]


def test_links_have_no_empty_parameters(loaded: Service) -> None:
    link = loaded.get("/queue?user=&limit=1&jobid=7%2B1,5&name=")["meta"]["next"]
    assert link.startswith("/queue?limit=1&jobid=7%2B1%2C5&cursor=")
    assert list(loaded.get(link)["data"]) == ["8"]


def test_any_name_can_be_asked_for(api: Service) -> None:
    names = ["a,b", "!a", " a ", "a*b", "axb", "a\\b", "C:\\tmp", "f\ufffdr", "\t", "[a]", "?"]
    api.load({number: make_job(number, name=name, user_name=name) for number, name in enumerate(names, 1)})
    for number, name in enumerate(names, 1):
        escaped = re.sub(r"(\W)", r"\\\1", name)
        assert list(api.get("/queue", name=escaped)["data"]) == [str(number)], name
        assert list(api.get("/queue", user=escaped)["data"]) == [str(number)], name
        assert str(number) not in api.get("/queue", user=f"!{escaped}")["data"]
    assert list(api.get("/queue", name=r"a*b,C:\tmp")["data"]) == ["1", "4", "5", "6", "7"]
