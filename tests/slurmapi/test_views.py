"""The live routes over a store that a real cycle filled."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from zstandard import ZstdDecompressor

from slurm_rest_api.acctapi.contract import AssociationRecord, HistoryRecord
from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.contract import JobRecord, NodeRecord, PartitionRecord, StatisticsRecord
from slurm_rest_api.slurmapi.responses import responder
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from slurm_rest_api.web.response_cache import DEFAULT_LIFETIME_SECONDS
from tests.builders import make_job, make_node, make_partition, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

FOUR_CYCLES = 4 * 3600.0
"""Seconds after which data is stale."""
ROUTES = ["/queue", "/nodes", "/partitions", "/stats", "/usage", "/usage?compact=true"]


@pytest.fixture
def source() -> FakeSource:
    jobs = [make_job(job_id=7, partition="main"), make_job(job_id=12, partition="main", job_state="PENDING")]
    nodes = [make_node(name="rack001", partitions=["main"]), make_node(name="rack002", partitions=["other"])]
    partitions = [make_partition(name="main"), make_partition(name="other")]
    return FakeSource(make_snapshot(jobs=jobs, nodes=nodes, partitions=partitions))


def age_the_store(paths: RuntimePaths, seconds: float) -> None:
    writer = StoreWriter(paths.store)
    writer.record_failure("Unable to contact slurm controller (connect failure)", time.time() - seconds + 1)
    writer.close()
    connection = sqlite3.connect(paths.store, isolation_level=None)
    connection.execute("UPDATE status SET loaded_at = loaded_at - ?", (seconds,))
    connection.close()


def data(response: TestResponse) -> Any:
    assert response.status_code == 200, response.get_data(as_text=True)
    assert set(response.json or {}) == {"data", "meta"}
    return (response.json or {})["data"]


def faults(response: TestResponse) -> list[dict[str, Any]]:
    body = response.get_json()
    assert set(body) == {"errors"}
    for fault in body["errors"]:
        assert fault["status"] == str(response.status_code)
        assert fault["meta"] == {"args": [fault["detail"]]}
    errors: list[dict[str, Any]] = body["errors"]
    return errors


def test_collections_are_keyed_by_id_or_name(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    assert list(data(client.get("/queue"))) == ["7", "12"]
    assert data(client.get("/queue"))["12"]["job_state"] == "PENDING"
    assert list(data(client.get("/nodes"))) == ["rack001", "rack002"]
    assert list(data(client.get("/partitions"))) == ["main", "other"]


def test_usage_lists_every_node_in_every_partition_unless_compact(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    full = data(client.get("/usage"))["partitions"]["main"]["nodes"]
    assert full["rack002"] == {"active": False}
    assert full["rack001"]["active"] is True
    assert list(data(client.get("/usage?compact=true"))["partitions"]["main"]["nodes"]) == ["rack001"]
    assert data(client.get("/usage?compact=false"))["partitions"]["main"]["nodes"] == full


def test_meta_has_source_total_and_time(client: FlaskClient, cycle: Cycle) -> None:
    before = int(time.time())
    cycle.run()
    meta = client.get("/queue").get_json()["meta"]
    assert (meta["source"], meta["source_detail"]) == ("fake", "fake cluster")
    assert meta["total"] == 2
    assert (meta["stale"], meta["error"]) == (False, None)
    assert before <= meta["changed_at"] <= time.time()


def test_empty_cluster_has_empty_objects(client: FlaskClient, cycle: Cycle, source: FakeSource) -> None:
    source.snapshot = make_snapshot(jobs=[], nodes=[], partitions=[])
    cycle.run()
    assert data(client.get("/queue")) == {}
    assert data(client.get("/nodes")) == {}
    assert data(client.get("/usage"))["partitions"] == {}
    assert client.get("/queue").get_json()["meta"]["total"] == 0


def unpack_zstd(body: bytes) -> bytes:
    return ZstdDecompressor().stream_reader(body).read()


@pytest.mark.parametrize("route", ROUTES)
def test_plain_and_compressed_responses_are_equal(client: FlaskClient, cycle: Cycle, route: str) -> None:
    cycle.run()
    plain = client.get(route)
    assert "Content-Encoding" not in plain.headers
    for coding, decode in (("gzip", gzip.decompress), ("zstd", unpack_zstd)):
        packed = client.get(route, headers={"Accept-Encoding": coding})
        assert packed.headers["Content-Encoding"] == coding
        assert packed.headers["Content-Length"] == str(len(packed.data))
        assert decode(packed.data) == plain.data
        assert [packed.headers[name] for name in ("ETag", "Vary")] == [plain.headers[name] for name in ("ETag", "Vary")]
    assert json.loads(plain.data).keys() == {"data", "meta"}


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip;q=0", None),
        ("br", None),
        ("*", "gzip"),
        ("br, gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("ZSTD", "zstd"),
        ("gzip, zstd;q=0.9", "gzip"),
        ("gzip;q=0.5, zstd;q=0.9", "zstd"),
        ("zstd;q=0", None),
        ("zstd;q=0, *", "gzip"),
    ],
)
def test_compression_follows_what_the_client_accepts(
    client: FlaskClient, cycle: Cycle, accepted: str, encoding: str | None
) -> None:
    cycle.run()
    assert client.get("/nodes", headers={"Accept-Encoding": accepted}).headers.get("Content-Encoding") == encoding


@pytest.mark.parametrize("route", ROUTES)
def test_validators_and_freshness(client: FlaskClient, cycle: Cycle, route: str) -> None:
    cycle.run()
    headers = client.get(route).headers
    assert headers["ETag"].startswith('W/"')
    assert headers["Cache-Control"] == "public, max-age=3600"
    assert headers["Vary"] == "Accept-Encoding"
    assert int(headers["Age"]) <= 1
    assert headers["Last-Modified"].endswith("GMT")
    assert "X-Slurm-Stale" not in headers


@pytest.mark.parametrize("route", ROUTES)
def test_unchanged_response_is_a_304_without_body(client: FlaskClient, cycle: Cycle, route: str) -> None:
    cycle.run()
    etag = client.get(route).headers["ETag"]
    unchanged = client.get(route, headers={"If-None-Match": f'"unknown", {etag}'})
    assert unchanged.status_code == 304
    assert unchanged.data == b""
    assert unchanged.headers["ETag"] == etag
    assert unchanged.headers["Cache-Control"] == "public, max-age=3600"
    assert client.get(route, headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_cycle_without_changes_keeps_the_etag(client: FlaskClient, cycle: Cycle, source: FakeSource) -> None:
    cycle.run()
    jobs, nodes = client.get("/queue").headers["ETag"], client.get("/nodes").headers["ETag"]
    source.snapshot = make_snapshot(
        jobs=[make_job(job_id=7, partition="main")],
        nodes=source.snapshot.nodes,
        partitions=source.snapshot.partitions,
    )
    cycle.run()
    assert client.get("/nodes", headers={"If-None-Match": nodes}).status_code == 304
    assert client.get("/queue", headers={"If-None-Match": jobs}).status_code == 200
    assert list(data(client.get("/queue"))) == ["7"]


@pytest.mark.parametrize("route", ["/nodes", "/nodes?fields=name"])
def test_another_source_detail_is_another_response(
    client: FlaskClient, cycle: Cycle, source: FakeSource, route: str
) -> None:
    cycle.run()
    before = client.get(route)
    source.detail = "commands of Slurm 26.05.5 in /usr/bin"
    cycle.run()
    after = client.get(route, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.get_json()["meta"]["source_detail"] == "commands of Slurm 26.05.5 in /usr/bin"
    assert after.get_json()["meta"]["version"] == before.get_json()["meta"]["version"]


@pytest.mark.parametrize("route", ROUTES)
def test_head_has_the_headers_and_no_body(client: FlaskClient, cycle: Cycle, route: str) -> None:
    cycle.run()
    got, head = client.get(route), client.head(route)
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.data))
    assert head.headers["ETag"] == got.headers["ETag"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_a_405(client: FlaskClient, method: str) -> None:
    response = client.open("/queue", method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert faults(response)[0]["title"] == "Method not allowed"


def test_unknown_parameter_is_a_400_with_the_known_ones(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    response = client.get("/usage?compct=true")
    assert response.status_code == 400
    (fault,) = faults(response)
    assert fault["title"] == "Bad parameter"
    assert fault["source"] == {"parameter": "compct"}
    assert fault["detail"] == (
        "Unknown parameter: 'compct'. Did you mean `compact`?"
        " Known parameters: compact, partition, node, fields, format."
    )
    assert faults(client.get("/stats?user=alice"))[0]["detail"] == (
        "Unknown parameter: 'user'. Known parameters: fields, format."
    )
    assert faults(client.get("/health?user=alice"))[0]["detail"] == (
        "Unknown parameter: 'user'. This route has no parameters."
    )


def test_every_bad_parameter_of_a_request_is_named(client: FlaskClient) -> None:
    found = faults(client.get("/usage?compact=perhaps&depth=3"))
    assert [fault["source"]["parameter"] for fault in found] == ["compact", "depth"]
    assert "Invalid `compact`: 'perhaps'." in found[0]["detail"]


@pytest.mark.parametrize("route", ROUTES[:5])
def test_cache_buster_of_old_pages_is_accepted(client: FlaskClient, cycle: Cycle, route: str) -> None:
    cycle.run()
    assert client.get(f"{route}?_=1700000000000").status_code == 200


def test_unknown_route_is_a_404_in_the_same_shape(client: FlaskClient) -> None:
    response = client.get("/no-route")
    assert response.status_code == 404
    assert faults(response)[0]["title"] == "Not found"


@pytest.mark.parametrize("route", ROUTES)
def test_before_the_first_load_there_is_a_503_with_retry_after(client: FlaskClient, route: str) -> None:
    response = client.get(route)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "Is it running?" in faults(response)[0]["detail"]


def test_before_the_first_success_the_503_has_the_reason(client: FlaskClient, paths: RuntimePaths) -> None:
    StoreWriter(paths.store).record_failure("Unable to contact slurm controller (connect failure)", 1000.0)
    response = client.get("/queue")
    assert response.status_code == 503
    assert faults(response)[0]["detail"].endswith("Unable to contact slurm controller (connect failure)")


@pytest.mark.parametrize("route", ROUTES)
def test_stale_data_is_sent_and_marked(client: FlaskClient, cycle: Cycle, paths: RuntimePaths, route: str) -> None:
    cycle.run()
    fresh = client.get(route)
    age_the_store(paths, FOUR_CYCLES)
    stale = client.get(route, headers={"If-None-Match": fresh.headers["ETag"]})
    assert data(stale) == fresh.get_json()["data"]
    assert stale.headers["X-Slurm-Stale"] == "1"
    assert int(stale.headers["Age"]) >= FOUR_CYCLES
    meta = stale.get_json()["meta"]
    assert meta["stale"] is True
    assert meta["error"]["detail"] == "Unable to contact slurm controller (connect failure)"
    again = client.get(route, headers={"If-None-Match": stale.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["X-Slurm-Stale"] == "1"


def test_damaged_store_is_a_503(client: FlaskClient, paths: RuntimePaths) -> None:
    paths.store.write_bytes(b"no database" * 1000)
    response = client.get("/queue")
    assert response.status_code == 503
    assert faults(response)[0]["title"] == "Store not readable"


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_whole_bodies_are_streamed_if_they_cannot_be_written(
    client: FlaskClient, cycle: Cycle, paths: RuntimePaths, accepted: str
) -> None:
    cycle.run()
    expected = client.get("/queue").data
    for path in paths.prepared.iterdir():
        path.unlink()
    paths.prepared.rmdir()
    Path(paths.prepared).write_text("a file where the folder should be")
    response = client.get("/queue", headers={"Accept-Encoding": accepted})
    body = gzip.decompress(response.data) if accepted == "gzip" else response.data
    assert body == expected
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers
    age_the_store(paths, FOUR_CYCLES)
    stale = client.get("/queue", headers={"Accept-Encoding": accepted})
    assert stale.headers["X-Slurm-Stale"] == "1"
    assert int(stale.headers["Age"]) >= FOUR_CYCLES


def test_cors_is_off_by_default(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    response = client.get("/queue", headers={"Origin": "https://pages.example"})
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


def cors_client(settings: Settings, origins: list[str]) -> FlaskClient:
    system = settings.system.model_copy(update={"use_cors": True, "cors_origins": origins})
    return make_client(settings.model_copy(update={"system": system}))


def test_cors_allows_the_configured_origins(settings: Settings, cycle: Cycle) -> None:
    cycle.run()
    client = cors_client(settings, ["https://pages.example"])
    own = client.get("/queue", headers={"Origin": "https://pages.example"})
    assert own.headers["Access-Control-Allow-Origin"] == "https://pages.example"
    assert "Access-Control-Allow-Credentials" not in own.headers
    assert set(own.headers["Access-Control-Expose-Headers"].split(", ")) == {
        "Age",
        "ETag",
        "Link",
        "X-Slurm-Stale",
        "X-Total-Count",
        "X-Truncated",
        "X-Authenticated-User",
        "X-Private-Data",
    }
    foreign = client.get("/queue", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_cors_for_all_origins_excludes_credentials(settings: Settings, cycle: Cycle) -> None:
    cycle.run()
    response = cors_client(settings, ["*"]).get("/queue", headers={"Origin": "https://pages.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_the_openapi_document_describes_every_route(client: FlaskClient) -> None:
    document = client.get("/openapi/openapi.json").get_json()
    described = set(document["paths"])
    lists = {"/queue", "/nodes", "/partitions"}
    assert described >= {*lists, "/queue/{jobid}", "/nodes/{name}", "/partitions/{name}", "/stats", "/usage"}
    names = {parameter["name"] for parameter in document["paths"]["/usage"]["get"]["parameters"]}
    assert names == {"_", "compact", "partition", "node", "fields", "format"}


def test_the_openapi_document_has_a_schema_for_every_record(client: FlaskClient) -> None:
    schemas = client.get("/openapi/openapi.json").get_json()["components"]["schemas"]
    for record in (JobRecord, NodeRecord, PartitionRecord, StatisticsRecord, HistoryRecord, AssociationRecord):
        assert set(schemas[record.__name__]["properties"]) == set(record.model_fields), record.__name__


def test_responses_of_a_limited_scope_are_cached_for_a_second(
    settings: Settings, cycle: Cycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle.run()
    said: list[float] = []
    monkeypatch.setattr(responder, "limit_cache_lifetime", said.append)
    private = DataScope(frozenset(("jobs",)), "alice")
    client = make_client(settings)
    monkeypatch.setattr(responder, "current_scope", lambda: private)
    assert client.get("/queue?limit=1").status_code == 200
    assert said == [DEFAULT_LIFETIME_SECONDS]
    monkeypatch.setattr(responder, "current_scope", lambda: EVERYTHING)
    assert client.get("/queue?limit=2").status_code == 200
    assert said == [DEFAULT_LIFETIME_SECONDS]
