"""A hidden partition leaves no trace in any answer: not its name, nor its jobs', nor its own node's."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.answers import Answer, ask, fresh
from tests.cluster.conftest import Jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION

DATA = ("/queue", "/nodes", "/partitions", "/stats", "/usage", "/usage?compact=true", "/usage?compact=false")
ERRORS = ("/nowhere", f"/{HIDDEN_PARTITION}x", "/queue?colour=red", "/usage?compact=perhaps", "/nodes?page=1")
DOCUMENT = "/openapi/openapi.json"


@dataclass(frozen=True)
class Scene:
    """Ids of hidden jobs, words in hidden jobs' names, and the visible jobs that refer to something hidden."""

    hidden: tuple[int, ...]
    words: tuple[str, ...]
    in_both: int
    dependent: int
    avoiding: int
    neighbour: int


@pytest.fixture(scope="module")
def scene(cluster: Cluster, service: Service) -> Iterator[Scene]:
    jobs = Jobs(cluster)
    try:
        scene = _submit(cluster, jobs)
        fresh(service, "/queue")
        yield scene
    finally:
        jobs.cancel_all()


def _submit(cluster: Cluster, jobs: Jobs) -> Scene:
    secret: dict[str, Any] = {"user": "mallory", "partition": HIDDEN_PARTITION}
    alone = jobs.running(**secret, nodelist=HIDDEN_NODE, job_name="quokkafish", cpus_per_task=3, mem=700)
    shared = jobs.running(**secret, nodelist="rack[005-007]", nodes=3, ntasks=3, job_name="zeppelinjam")
    waiting = jobs.submit(**secret, dependency=f"afterok:{alone}", job_name="umbrellaworm")
    array = jobs.submit(**secret, array="0-3%1", nodelist=HIDDEN_NODE, job_name="trombonegoat")
    finished = jobs.running(**secret, nodelist=HIDDEN_NODE, job_name="pretzelmoth")
    cluster.finish(finished)
    neighbour = jobs.running(partition="long", nodelist="rack007", ntasks=2, mem=900)
    return Scene(
        hidden=(alone, shared, waiting, array, finished),
        words=("quokkafish", "zeppelinjam", "umbrellaworm", "trombonegoat", "pretzelmoth"),
        in_both=jobs.submit(partition=f"main,{HIDDEN_PARTITION}", hold=True),
        dependent=jobs.submit(dependency=f"afterany:{alone}:{neighbour}"),
        avoiding=jobs.submit(exclude=f"rack001,{HIDDEN_NODE}", hold=True),
        neighbour=neighbour,
    )


def test_the_hidden_is_there_to_be_found(cluster: Cluster, scene: Scene) -> None:
    printed = cluster.run(["scontrol", "-o", "-d", "--all", "show", "job"]).stdout

    assert all(word in printed for word in scene.words)
    assert f"Nodes={HIDDEN_NODE} " in printed
    assert f"ExcNodeList=rack[001,{HIDDEN_NODE.removeprefix('rack')}]" in printed
    assert re.search(rf"JobId={scene.dependent} .*Dependency=afterany:{scene.hidden[0]}\(unfulfilled\)", printed)
    assert re.search(rf"JobId={scene.in_both} .*Partition=(?:main,secret|secret,main) ", printed)


def _texts(answer: Answer) -> str:
    body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
    return "\n".join([*answer.headers.values(), body.decode()])


def _found(scene: Scene, text: str) -> list[str]:
    words = [HIDDEN_PARTITION, HIDDEN_NODE, "mallory", *scene.words]
    return [word for word in words if word in text]


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_no_answer_names_anything_hidden(service: Service, scene: Scene, path: str, encoding: str) -> None:
    answer = ask(service, path, headers={"Accept-Encoding": encoding})
    text = _texts(answer)
    if path == "/stats":
        # RPCs are counted by user; a user who may use a hidden partition is not hidden.
        text = text.replace("mallory", "")

    assert answer.status == 200
    assert _found(scene, text) == []


@pytest.mark.parametrize("path", [*ERRORS, DOCUMENT])
def test_errors_and_the_document_name_nothing_hidden(service: Service, scene: Scene, path: str) -> None:
    answer = ask(service, path)
    # What the client itself wrote may be repeated.
    text = _texts(answer).replace(path.strip("/"), "")

    assert answer.status == (200 if path == DOCUMENT else 404 if path in ERRORS[:2] else 400)
    assert _found(scene, text) == []


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_other_methods_name_nothing_hidden(service: Service, scene: Scene, path: str, method: str) -> None:
    assert _found(scene, _texts(ask(service, path, method=method))) == []


def test_hidden_ids_are_neither_keys_nor_values(service: Service, scene: Scene) -> None:
    [queue] = fresh(service, "/queue")

    assert {str(job) for job in scene.hidden}.isdisjoint(queue)
    for record in queue.values():
        numbers = {int(number) for number in re.findall(r"\d+", str([record[field] for field in _ID_FIELDS]))}
        assert numbers.isdisjoint(scene.hidden), record["job_id"]


_ID_FIELDS = ("job_id", "array_job_id", "het_job_id", "pack_job_id", "het_job_id_set", "pack_job_id_set", "dependency")


def test_a_dependency_keeps_its_visible_half(service: Service, scene: Scene) -> None:
    [queue] = fresh(service, "/queue")

    assert queue[str(scene.dependent)]["dependency"] == f"afterany:{scene.neighbour}(unfulfilled)"


def test_a_job_in_both_partitions_names_the_visible_one(service: Service, scene: Scene) -> None:
    [queue] = fresh(service, "/queue")

    assert queue[str(scene.in_both)]["partition"] == "main"


def test_an_avoided_hidden_node_is_left_out(service: Service, scene: Scene) -> None:
    [queue] = fresh(service, "/queue")

    assert queue[str(scene.avoiding)]["exc_nodes"] == ["rack001"]


def test_nodes_and_partitions_are_the_visible_ones(service: Service, scene: Scene) -> None:
    nodes, partitions, usage = fresh(service, "/nodes", "/partitions", "/usage")
    visible = ["rack001", "rack002", "rack003", "rack004", "rack005", "rack006", "rack007"]

    assert sorted(nodes) == visible
    assert nodes["rack007"]["partitions"] == ["long"]
    assert sorted(partitions) == sorted(usage["partitions"]) == ["high", "long", "main"]
    assert all(sorted(partition["nodes"]) == visible for partition in usage["partitions"].values())
    assert (usage["total_cpus"], usage["total_mem"]) == (104, 208000)


def test_a_shared_node_shows_what_hidden_jobs_use_but_not_whose(service: Service, scene: Scene) -> None:
    nodes, usage = fresh(service, "/nodes", "/usage")
    entry = usage["partitions"]["long"]["nodes"]["rack007"]

    # The hidden job has one CPU and 100 MiB there, the visible one two and 900.
    assert (nodes["rack007"]["alloc_cpus"], nodes["rack007"]["alloc_mem"]) == (3, 1000)
    assert (entry["total_used_cpus"], entry["total_used_mem"]) == (3, 1000)
    assert (entry["cpus_allocated"], entry["mem_allocated"], entry["running_jobs"]) == (2, 900, 1)
