"""The route /metrics: values of a small cluster, bounded labels, and private data."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from slurm_rest_api.config import Settings
from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.metrics.exposition import is_shown
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: FlaskClient) -> Samples:
    """All samples by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def series(samples: Samples, name: str) -> int:
    return sum(found == name for found, _labels in samples)


@pytest.fixture
def cluster(source: FakeSource) -> None:
    """Two nodes of 4 CPUs and 8000 MiB, one with 2 GPUs. One job runs on 3 CPUs, three are pending."""
    source.snapshot = make_snapshot(
        [
            make_running_job(1, "rack001", cpus=3, memory_mib=1000, account="physics"),
            make_job(2, account="physics", array_job_id=2, array_task_str="0-9999"),
            make_job(3, account="biology", partition="main,long"),
            make_job(4, account="chemistry"),
        ],
        [
            make_node("rack001", state="MIXED", alloc_cpus=3, alloc_mem=1000, partitions=["main", "long"]),
            make_node("rack002", state="IDLE+DRAIN", gres=["gpu:2"], gres_used=["gpu:1"]),
        ],
        [make_partition("main", total_nodes=2, total_cpus=8), make_partition("long")],
        {
            "schedule_cycle_last": 148,
            "jobs_submitted": 253,
            "rpc_type_stats": {"REQUEST_PING": {"id": 1008, "count": 7, "total_time": 3500}},
        },
    )


@pytest.mark.usefixtures("cluster")
def test_metrics_of_a_small_cluster(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    samples = scrape(client)
    assert of(samples, "slurm_jobs", state="PENDING") == 3
    assert of(samples, "slurm_jobs", state="RUNNING") == 1
    assert of(samples, "slurm_job_tasks", state="PENDING") == 10002
    assert of(samples, "slurm_job_tasks", state="RUNNING") == 1
    assert of(samples, "slurm_partition_job_tasks", partition="main", state="PENDING") == 10002
    assert of(samples, "slurm_partition_job_tasks", partition="long", state="PENDING") == 1
    assert of(samples, "slurm_partition_jobs", partition="main", state="PENDING") == 3
    assert of(samples, "slurm_partition_jobs", partition="long", state="PENDING") == 1
    assert of(samples, "slurm_account_jobs", account="physics", state="PENDING") == 1
    assert of(samples, "slurm_nodes", state="MIXED") == 1
    assert of(samples, "slurm_nodes", state="DRAINED") == 1
    assert of(samples, "slurm_partition_nodes", partition="long", state="MIXED") == 1
    assert (of(samples, "slurm_gpus"), of(samples, "slurm_gpus_allocated")) == (2, 1)
    assert of(samples, "slurm_partition_gpus", partition="main") == 2
    assert (of(samples, "slurm_cpus"), of(samples, "slurm_cpus_allocated")) == (8, 3)
    assert of(samples, "slurm_memory_bytes") == 16000 * 1024 * 1024
    assert of(samples, "slurm_partition_cpus_allocated", partition="main") == 3
    assert of(samples, "slurm_scheduler_last_cycle_duration_seconds") == pytest.approx(0.000148)
    assert of(samples, "slurm_scheduler_jobs_submitted_total") == 253
    assert of(samples, "slurm_scheduler_rpcs_total", type="REQUEST_PING") == 7
    assert of(samples, "slurm_scheduler_rpc_seconds_total", type="REQUEST_PING") == pytest.approx(0.0035)


@pytest.mark.usefixtures("cluster")
def test_a_new_snapshot_shows_at_the_next_scrape(client: FlaskClient, cycle: Cycle, source: FakeSource) -> None:
    cycle.run()
    assert of(scrape(client), "slurm_jobs", state="PENDING") == 3
    source.snapshot = make_snapshot([make_job(9)])
    cycle.run()
    samples = scrape(client)
    assert of(samples, "slurm_jobs", state="PENDING") == 1
    assert of(samples, "slurm_rest_api_collector_cycles_total") == 2
    assert of(samples, "slurm_rest_api_collector_rpcs_total") == 12
    assert of(samples, "slurm_rest_api_source_info", source="fake", detail="fake cluster") == 1


@pytest.mark.usefixtures("cluster")
def test_small_accounts_are_counted_as_other(settings: Settings, cycle: Cycle) -> None:
    cycle.run()

    def with_accounts(most: int) -> Samples:
        system = settings.system.model_copy(update={"metrics_accounts": most})
        return scrape(make_client(settings.model_copy(update={"system": system})))

    one = with_accounts(1)
    assert of(one, "slurm_account_jobs", account="physics", state="RUNNING") == 1
    assert of(one, "slurm_account_jobs", account="other", state="PENDING") == 2
    assert series(one, "slurm_account_jobs") == 3


def test_metrics_accounts_of_0_turns_accounts_off(settings: Settings, cycle: Cycle) -> None:
    cycle.run()
    system = settings.system.model_copy(update={"metrics_accounts": 0})
    samples = scrape(make_client(settings.model_copy(update={"system": system})))
    assert series(samples, "slurm_account_jobs") == 0
    assert of(samples, "slurm_nodes", state="IDLE") == 1


def test_hidden_partitions_are_in_no_metric(client: FlaskClient, source: FakeSource, paths: RuntimePaths) -> None:
    source.snapshot = make_snapshot(
        [make_job(1), make_job(2, partition="secret")],
        [make_node("rack001"), make_node("rack008", partitions=["secret"])],
        [make_partition("main"), make_partition("secret", nodes="rack008")],
    )
    Cycle(source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0).run()
    assert "secret" not in client.get("/metrics").text
    samples = scrape(client)
    assert of(samples, "slurm_jobs", state="PENDING") == 1
    assert of(samples, "slurm_cpus") == 4


def test_before_the_first_load_there_are_metrics_of_the_service(client: FlaskClient, paths: RuntimePaths) -> None:
    samples = scrape(client)
    assert of(samples, "slurm_rest_api_part_up", part="snapshot") == 0
    assert series(samples, "slurm_nodes") == 0
    StoreWriter(paths.store).record_failure("Unable to contact slurm controller", 1.0)
    assert of(scrape(client), "slurm_rest_api_collector_failed_tries") == 1


def test_requests_are_counted_by_route_not_by_path(client: FlaskClient, cycle: Cycle, source: FakeSource) -> None:
    cycle.run()
    source.error = SourceUnavailable("away")
    body = client.get("/nodes").data
    client.get("/nodes?nothing=1")
    client.head("/nodes")
    for number in range(3):
        client.get(f"/made-up-{number}")
    client.open("/nodes", method="BREW")
    samples = scrape(client)
    counted = "slurm_rest_api_http_requests_total"
    assert of(samples, counted, route="/nodes", method="GET", status="200") == 1
    assert of(samples, counted, route="/nodes", method="GET", status="400") == 1
    assert of(samples, counted, route="/nodes", method="HEAD", status="200") == 1
    assert of(samples, counted, route="none", method="GET", status="404") == 3
    assert of(samples, counted, route="none", method="other", status="405") == 1
    assert of(samples, "slurm_rest_api_http_request_duration_seconds_count", route="/nodes") == 3
    sent = of(samples, "slurm_rest_api_http_response_bytes_total", route="/nodes")
    assert sent is not None
    assert len(body) < sent < len(body) + 1000


@pytest.mark.parametrize(
    ("metric", "hidden_by"),
    [
        ("slurm_jobs", {"jobs"}),
        ("slurm_partition_jobs", {"jobs", "partitions"}),
        ("slurm_account_jobs", {"jobs", "usage", "users", "accounts"}),
        ("slurm_account_gpus_allocated", {"jobs", "usage", "users", "accounts"}),
        ("slurm_user_cpus_allocated", {"jobs", "usage", "users"}),
        ("slurm_pending_jobs", {"jobs"}),
        ("slurm_partition_job_wait_seconds", {"jobs", "partitions"}),
        ("slurm_nodes", {"nodes"}),
        ("slurm_cpus_allocated", {"nodes", "usage"}),
        ("slurm_partition_load_ratio", {"nodes", "usage", "partitions"}),
        ("slurm_scheduler_jobs_submitted", set()),
    ],
)
def test_private_data_hides_the_metrics_that_show_it(metric: str, hidden_by: set[str]) -> None:
    words = ("jobs", "usage", "users", "accounts", "nodes", "partitions")
    assert {word for word in words if not is_shown(metric, [word])} == hidden_by
