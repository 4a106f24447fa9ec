"""GPUs, jobs, tasks and nodes of one snapshot are the same in every route that sums them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from slurm_rest_api.archive.sample import make_sample
from slurm_rest_api.slurmapi.sources.base import Record
from tests.builders import make_job, make_node, make_partition, make_running_job
from tests.slurmapi.query.service import Service

# By node: Gres, GresUsed, the state, and what the only job on it holds.
GPU_NODES: dict[str, tuple[list[str], list[str], str, dict[str, int]]] = {
    "n1": (["gpu:4090:2"], ["gpu:4090:1(IDX:0)"], "MIXED", {"gpu:4090": 1}),
    "n2": (["gpu:tesla:2", "bandwidth:lustre:no_consume:4G"], ["gpu:tesla:2(IDX:0-1)"], "MIXED", {"gpu:tesla": 2}),
    "n3": (["gpu:h100:8(S:0-1)"], ["gpu:h100:0(IDX:N/A)"], "IDLE+MAINTENANCE", {}),
    "n4": (["gpu:4", "tmp:844G"], ["gpu:1(IDX:3)", "tmp:0"], "MIXED+FAIL", {"gpu": 1}),
    "n5": (["gpu:a100(CNT:2)"], ["gpu:a100(CNT:2)"], "MIXED+PLANNED", {"gpu:a100": 2}),
    "n6": (["gpu:4", "gpu:a100:4"], ["gpu:4", "gpu:a100:4"], "ALLOCATED", {"gpu:a100": 4}),
    "n7": (["gpu:nvidia_a100_3g.20gb:2"], ["gpu:nvidia_a100_3g.20gb:1(IDX:0)"], "MIXED",
           {"gpu:nvidia_a100_3g.20gb": 1}),
    "n8": (["gpu:tesla:2", "shard:tesla:8"], ["gpu:tesla:0(IDX:N/A)", "shard:tesla:3(3/4,0/4)"], "MIXED",
           {"shard:tesla": 3}),
    "n9": (["gpu:tesla:2", "mps:200"], ["gpu:tesla:0(IDX:N/A)", "mps:50(50/100,0/100)"], "MIXED", {"mps": 50}),
}  # fmt: skip
TOTAL, USED, WAITING = 2 + 2 + 8 + 4 + 2 + 4 + 2 + 2 + 2, 1 + 2 + 1 + 2 + 4 + 1, 2 + 3


def tracked_tres(gres: dict[str, int], tracking: str) -> str:
    """Returns AllocTRES with AccountingStorageTRES of none, `untyped`, or `both` (gres/gpu and gres/gpu:TYPE)."""
    gpus = {name: count for name, count in gres.items() if name.split(":")[0] == "gpu"}
    parts = ["cpu=2", "mem=100M"]
    if gpus and tracking != "default":
        parts.append(f"gres/gpu={sum(gpus.values())}")
    if tracking == "both":
        parts += [f"gres/{name}={count}" for name, count in gpus.items() if ":" in name]
    return ",".join(parts)


def jobs(tracking: str) -> dict[int, Record]:
    running = [
        make_running_job(number, name, 2, 100, gres_allocated={name: gres}, tres_alloc_str=tracked_tres(gres, tracking))
        for number, (name, (_, _, _, gres)) in enumerate(GPU_NODES.items(), 1)
        if gres
    ]
    waiting = [
        make_job(20, tres_per_job="gres/gpu:2", tres_req_str=tracked_tres({"gpu": 2}, tracking)),
        make_job(21, tres_per_node="gres/gpu:a100:3", tres_req_str=tracked_tres({"gpu:a100": 3}, tracking),
                 array_job_id=21, array_task_str="0-10000"),
    ]  # fmt: skip
    return {job["job_id"]: job for job in (*running, *waiting)}


@pytest.fixture(params=["default", "untyped", "both"])
def tracking(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.mark.parametrize("source_knows_gres_used", [True, False])
def test_every_route_says_the_same(tracking: str, source_knows_gres_used: bool, tmp_path: Path) -> None:
    api = Service(tmp_path)
    nodes = [
        make_node(name, state=state, gres=gres, gres_used=used if source_knows_gres_used else None)
        for name, (gres, used, state, _) in GPU_NODES.items()
    ]
    api.load(jobs(tracking), nodes=nodes, partitions=[make_partition("main")])

    usage = api.get("/usage")["data"]
    sample = make_sample(0, usage)
    metrics = _metrics(api)
    of_nodes, queue = api.get("/nodes?count=true")["data"], api.get("/queue?state=R&count=true")["data"]
    used = {usage["alloc_gpus"], usage["partitions"]["main"]["alloc_gpus"], sample["alloc_gpus"]}
    assert used | {metrics["slurm_gpus_allocated"], of_nodes["gpus_used"], queue["gpus"]} == {USED}
    total = {usage["total_gpus"], usage["partitions"]["main"]["total_gpus"], sample["total_gpus"]}
    assert total | {metrics["slurm_gpus"], of_nodes["gpus"]} == {TOTAL}

    waiting = api.get("/queue?state=PD&count=true")["data"]
    assert (waiting["count"], waiting["tasks"], waiting["gpus"]) == (2, 10002, WAITING)
    for counts in (usage, usage["partitions"]["main"], sample, sample["partitions"]["main"]):
        assert (counts["jobs_pending"], counts["tasks_pending"]) == (2, 10002)
        assert (counts["jobs_running"], counts["tasks_running"]) == (queue["count"], queue["tasks"]) == (8, 8)
    assert (metrics["slurm_jobs PENDING"], metrics["slurm_job_tasks PENDING"]) == (2, 10002)

    words = {"ALLOCATED": 1, "FAILING": 1, "MAINT": 1, "MIXED": 5, "MIXED-": 1}
    groups = {word: group["count"] for word, group in api.get("/nodes?group_by=state")["data"].items()}
    assert usage["nodes_by_state"] == sample["nodes_by_state"] == groups == words
    assert {word: metrics[f"slurm_nodes {word}"] for word in words} == words
    available = api.get("/nodes?state=available&fields=name")["data"]
    assert set(available) == {"n1", "n2", "n5", "n7", "n8", "n9"}
    assert set(api.get("/nodes?state=failing&fields=name")["data"]) == {"n4"}


def test_nodes_without_gres_used_get_the_sum_of_all_their_jobs(tmp_path: Path) -> None:
    api = Service(tmp_path)
    held = [{"gpu:a100": 2, "shard:a100": 4}, {"gpu:a100": 1}, {"gpu": 1}]
    running = {
        number: make_running_job(number, "rack001", gres_allocated={"rack001": gres})
        for number, gres in enumerate(held[:2], 1)
    }
    ended = {
        9: make_running_job(9, "rack001", job_state="COMPLETED+COMPLETING", gres_allocated={"rack001": {"gpu": 4}})
    }
    api.load(running | ended, nodes=[make_node(gres=["gpu:a100:4"], gres_used=None)])
    assert api.get("/nodes/rack001")["data"]["gres_used"] == ["gpu:a100:3", "shard:a100:4"]
    # A device without a type may be of any type.
    running[3] = make_running_job(3, "rack001", gres_allocated={"rack001": held[2]})
    api.load(running, nodes=[make_node(gres=["gpu:a100:4"], gres_used=None)])
    assert api.get("/nodes/rack001")["data"]["gres_used"] == ["gpu:4", "shard:a100:4"]


def _metrics(api: Service) -> dict[str, float]:
    text: Any = api.client.get("/metrics").text
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
