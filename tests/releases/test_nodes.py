"""`/nodes`, read with Slurm's commands, against scontrol and sinfo of the same release."""

from __future__ import annotations

from slurm_rest_api.slurmapi.contract.node import NodeRecord
from tests.cluster.answers import fresh
from tests.releases.conftest import assert_agrees
from tests.releases.node_truth import EXPECTED, MOVING, fields_without_a_place, read_nodes, unlike_state
from tests.releases.scene import LATIN_1, Scene, has_odd_nodes
from tests.releases.tables import unlike
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_NODE


def _unlike(cluster: Cluster, service: Service) -> list[str]:
    before = read_nodes(cluster)
    [ours] = fresh(service, "/nodes")
    after = read_nodes(cluster)
    found = (
        [] if set(ours) == set(before) - {HIDDEN_NODE} else [f"published {sorted(ours)}, sinfo has {sorted(before)}"]
    )
    for name in ours.keys() & before.keys():
        lines = unlike(EXPECTED, MOVING, ours[name], before[name], after[name])
        lines += unlike_state(ours[name], before[name], after[name])
        found += [f"{name}: {line}" for line in lines]
    return found


def test_every_node_is_what_scontrol_and_sinfo_print(release: Cluster, service: Service, scene: Scene) -> None:
    assert_agrees(lambda: _unlike(release, service))


def test_every_published_field_is_compared_or_excused() -> None:
    assert fields_without_a_place() == set()


def test_reasons_are_the_texts_that_were_set(service: Service, scene: Scene) -> None:
    [nodes] = fresh(service, "/nodes")

    assert nodes["rack003"]["reason"] == "fan is loud State=IDLE Weight=9"
    assert nodes["rack002"]["reason"] == LATIN_1.encode(errors="surrogateescape").decode(errors="replace")
    assert (nodes["rack001"]["reason"], nodes["rack001"]["reason_user"], nodes["rack001"]["reason_uid"]) == (None,) * 3
    assert (nodes["rack003"]["reason_user"], nodes["rack003"]["reason_uid"]) == ("root", 0)


def test_every_record_is_what_the_contract_says(service: Service, scene: Scene) -> None:
    [nodes] = fresh(service, "/nodes")
    for name, record in nodes.items():
        assert NodeRecord.model_validate(record).name == name


def test_gpus_in_use_do_not_depend_on_tracked_tres(release: Cluster, service: Service, scene: Scene) -> None:
    nodes, usage = fresh(service, "/nodes", "/usage")

    # One release tracks no GPUs, one both typed and untyped ones, one untyped ones.
    assert nodes["rack005"]["gres_used"] == ["gpu:tesla:2"]
    model = "gpu:4090" if has_odd_nodes(release) else "gpu:tesla"
    assert f"{model}:2" in nodes["rack006"]["gres_used"]
    assert (usage["total_gpus"], usage["alloc_gpus"]) == (4, 4)
