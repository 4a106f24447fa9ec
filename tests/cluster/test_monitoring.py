"""/metrics through nginx and uWSGI: counted over all workers, read by promtool and by a real Prometheus."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.cluster.conftest import Jobs
from tests.cluster.web_server import Deployment, Nginx, installed, nginx, start_uwsgi, wait_served
from tests.debian import program
from tests.testbed.cluster import Cluster
from tests.testbed.processes import send_signal
from tests.testbed.service import CONFIG, free_port
from tests.waiting import GIVE_UP_SECONDS, wait_for

MONITORING = Path(__file__).parents[2] / "docs" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana-dashboard.json").read_text())
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())
SHOWN = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
# What an alert looks at before it compares.
WATCHED = [re.sub(r"\s+[<>=]+\s+[\d.]+$", "", rule["expr"]) for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def deployment(cluster: Cluster) -> Iterator[Deployment]:
    with installed(cluster, CONFIG):
        deployment = start_uwsgi(cluster)
        yield deployment
        deployment.stop()


@pytest.fixture(scope="module")
def web(cluster: Cluster, deployment: Deployment) -> Iterator[Nginx]:
    with nginx(cluster) as running:
        wait_served(running.url)
        yield running


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=GIVE_UP_SECONDS) as reply:
        text: str = reply.read().decode()
    return text


def samples(web: Nginx) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(get(f"{web.url}/metrics"))
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def asked(web: Nginx, route: str) -> float:
    labels = frozenset({"route": route, "method": "GET", "status": "200"}.items())
    return samples(web).get(("slurm_rest_api_http_requests_total", labels), 0.0)


def test_requests_are_counted_over_all_workers(web: Nginx, deployment: Deployment) -> None:
    before = asked(web, "/partitions")
    for _ in range(40):
        get(f"{web.url}/partitions")
    assert [asked(web, "/partitions") for _ in range(8)] == [before + 40] * 8
    victims = deployment.workers()
    for victim in victims:
        send_signal(victim, signal.SIGKILL)
    wait_for("new workers", lambda: len(set(deployment.workers()) - {*victims}) >= len(victims))
    wait_served(web.url)
    assert asked(web, "/partitions") == before + 40


def test_promtool_finds_nothing_to_say(web: Nginx) -> None:
    text = get(f"{web.url}/metrics")
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "secret" not in text
    rules = subprocess.run(["promtool", "check", "rules", str(MONITORING / "alerts.yml")], check=False)
    assert rules.returncode == 0


def test_figures_are_those_of_sinfo_and_squeue(web: Nginx, cluster: Cluster, jobs: Jobs) -> None:
    jobs.submit()
    jobs.submit(hold=True)

    def agree() -> bool:
        listed = cluster.run(["squeue", "-h", "-t", "PD,R", "-o", "%T"]).stdout.split()
        found = samples(web)
        return all(
            found.get(("slurm_jobs", frozenset({("state", state)})), 0.0) == listed.count(state)
            for state in ("PENDING", "RUNNING")
        )

    wait_for("the same jobs as squeue's", agree)
    found = samples(web)
    nodes = set(cluster.run(["sinfo", "-h", "-N", "-p", "main,high,long", "-o", "%N"]).stdout.split())
    assert sum(value for (name, _labels), value in found.items() if name == "slurm_nodes") == len(nodes)


class Prometheus:
    """A real Prometheus that scrapes one service every second."""

    def __init__(self, target: str, folder: Path) -> None:
        self._url = f"http://127.0.0.1:{free_port()}"
        scrape = {
            "job_name": "slurm-rest-api",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [target]}],
        }
        config = {
            "global": {"evaluation_interval": "1s"},
            "scrape_configs": [scrape],
            "rule_files": [str(MONITORING / "alerts.yml")],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.process = subprocess.Popen(
            [
                program("prometheus", "prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={urllib.parse.urlsplit(self._url).netloc}",
                "--log.level=error",
            ]
        )

    def query(self, expression: str) -> list[Any]:
        """Returns the result of an instant query. Raises an error of Prometheus."""
        answer = json.loads(get(f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
        assert answer["status"] == "success"
        found: list[Any] = answer["data"]["result"]
        return found

    def is_scraping(self) -> bool:
        """Returns True once there are enough scrapes for a rate."""
        try:
            found = self.query('count_over_time(up{job="slurm-rest-api"}[1m])')
        except OSError:
            return False
        return bool(found) and float(found[0]["value"][1]) >= 4

    def rules(self) -> list[dict[str, Any]]:
        """Returns the loaded alert rules with their health."""
        groups = json.loads(get(f"{self._url}/api/v1/rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def prometheus(web: Nginx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    for route in ("/nodes", "/queue"):
        get(f"{web.url}{route}")
    running = Prometheus(urllib.parse.urlsplit(web.url).netloc, tmp_path_factory.mktemp("prometheus"))
    try:
        wait_for("scrapes", running.is_scraping)
        yield running
    finally:
        running.process.terminate()
        running.process.wait(GIVE_UP_SECONDS)


@pytest.mark.parametrize("expression", dict.fromkeys(SHOWN + WATCHED))
def test_each_query_of_dashboard_and_alerts_finds_something(
    prometheus: Prometheus, jobs: Jobs, expression: str
) -> None:
    jobs.submit(hold=True)
    if "_account_" in expression and "allocated" in expression:
        jobs.running(partition="high", nodelist="rack005", gres="gpu:tesla:1")
    query = expression.replace("$__rate_interval", "1m")
    # States that no node has, and errors that did not happen, have no series: what is left shows the metric.
    general = re.sub(r'\{(state|status|reason)=~?"[^"]*"\}', "", query)
    assert wait_for("a result", lambda: prometheus.query(general))
    prometheus.query(query)


def test_all_alert_rules_are_evaluated_and_none_fires_on_a_healthy_cluster(prometheus: Prometheus) -> None:
    rules = wait_for(
        "an evaluation", lambda: prometheus.rules() if all(r["lastEvaluation"] for r in prometheus.rules()) else None
    )
    assert len(rules) == sum(len(group["rules"]) for group in ALERTS["groups"])
    wait_for("healthy rules", lambda: {rule["health"] for rule in prometheus.rules()} == {"ok"})
    assert [rule["name"] for rule in prometheus.rules() if rule["state"] == "firing"] == []
