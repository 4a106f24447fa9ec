"""The source that runs Slurm's commands on the real cluster: the service and `check` with it."""

from __future__ import annotations

from tests.cluster.answers import ask
from tests.testbed.cluster import Cluster
from tests.testbed.service import CONFIG, SERVICE, StartService
from tests.testbed.slurmnodes import SERVICE_USER

COMMANDS = CONFIG.replace("system:", "system:\n  source: slurm:commands")


def test_the_service_says_how_it_reads_slurm(cluster: Cluster, start: StartService) -> None:
    service = start(COMMANDS)
    release = cluster.run(["scontrol", "--version"]).stdout.split()[1]
    detail = f"commands of Slurm {release} in /usr/bin"
    answer = ask(service, "/nodes").json
    assert (answer["meta"]["source"], answer["meta"]["source_detail"]) == ("slurm", detail)
    assert ask(service, "/health").json["data"]["parts"]["snapshot"]["facts"]["source_detail"] == detail
    assert service.log.count(f"Source of the cluster's state: {detail}.") == 1


def test_check_loads_with_the_commands(cluster: Cluster) -> None:
    config = "system:\n  source: slurm:commands\n  runtime_dir: /run/slurm-rest-api-check\n"
    folder = cluster.path("/tmp/check-commands")
    folder.mkdir(exist_ok=True)
    (folder / "config.yml").write_text(config)
    argv = [SERVICE, "--config", "/tmp/check-commands/config.yml", "check"]
    printed = " ".join(cluster.run(argv, user=SERVICE_USER, check=False).stdout.split())
    assert "ok commands: Found scontrol, squeue, sdiag in /usr/bin." in printed
    assert "ok source: The service reads the cluster with commands of Slurm" in printed
    assert "ok controller: One load took" in printed
