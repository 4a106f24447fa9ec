"""Text that is no valid Unicode, in each place where a record has text."""

from __future__ import annotations

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.collector.valid_text import Renderer, valid_text
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot
from tests.fakes import FakeSource

# What Python makes of the byte 0xff, and half of an emoji.
ODD = "a\udcffb\ud83d"
REPLACED = "a\ufffdb\ufffd"

ANY_TEXT = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)


@given(VALUES)
def test_any_value_can_be_rendered_and_valid_ones_stay(value: object) -> None:
    valid, body = Renderer().render(value)
    assert orjson.loads(body) == valid
    assert valid_text(valid) == valid


def test_values_that_json_cannot_hold_are_still_an_error() -> None:
    with pytest.raises(TypeError):
        Renderer().render({"set": {1}})


@pytest.mark.parametrize("field", ["name", "user_name", "account", "qos", "comment", "submit_line", "work_dir"])
def test_one_odd_job_ends_no_load(client: FlaskClient, cycle: Cycle, source: FakeSource, field: str) -> None:
    source.snapshot = make_snapshot([make_job(1, **{field: ODD}), make_running_job(2, "rack001", cpus=2)])
    cycle.run()
    jobs = client.get("/queue").get_json()["data"]
    assert jobs["1"][field] == REPLACED
    assert jobs["2"]["job_state"] == "RUNNING"
    assert client.get("/health").get_json()["data"]["parts"]["snapshot"]["facts"]["replaced_texts"] == 1
    assert "slurm_rest_api_collector_replaced_texts 1.0" in client.get("/metrics").text


def test_odd_names_of_nodes_and_partitions_agree_everywhere(
    client: FlaskClient, cycle: Cycle, source: FakeSource
) -> None:
    job = make_running_job(1, ODD, cpus=2, partition=ODD, memory_mib=10)
    source.snapshot = make_snapshot([job], [make_node(ODD, partitions=[ODD])], [make_partition(ODD)])
    cycle.run()
    assert list(client.get("/nodes").get_json()["data"]) == [REPLACED]
    assert list(client.get("/partitions").get_json()["data"]) == [REPLACED]
    assert client.get("/queue").get_json()["data"]["1"]["cpus_allocated"] == {REPLACED: 2}
    assert client.get(f"/queue?partition={REPLACED}&count=true").get_json()["meta"]["total"] == 1
    usage = client.get("/usage").get_json()["data"]["partitions"]
    assert list(usage) == [REPLACED]
    assert list(usage[REPLACED]["nodes"]) == [REPLACED]
    assert usage[REPLACED]["jobs_running"] == 1
    assert client.get("/health").get_json()["data"]["parts"]["snapshot"]["facts"]["replaced_texts"] == 3


def test_the_number_is_that_of_the_last_load(client: FlaskClient, cycle: Cycle, source: FakeSource) -> None:
    source.snapshot = make_snapshot([make_job(1, name=ODD), make_job(2, name=ODD)])
    cycle.run()
    source.snapshot = make_snapshot([make_job(1)])
    cycle.run()
    assert client.get("/health").get_json()["data"]["parts"]["snapshot"]["facts"]["replaced_texts"] == 0


def test_odd_error_of_a_load_can_be_published(client: FlaskClient, paths: RuntimePaths, cycle: Cycle) -> None:
    cycle.run()
    StoreWriter(paths.store).record_failure(f"slurm_load_jobs: {ODD}", 1.0)
    assert client.get("/queue").status_code == 200
    assert client.get("/health").get_json()["data"]["parts"]["snapshot"]["facts"]["failures"] == 1
