"""The parsers of Slurm's commands against the JSON of the same commands, field by field: all but jobs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import NodeRecord, PartitionRecord, StatisticsRecord
from slurm_rest_api.slurmapi.sources.commands import fair_share, licenses, priority_factors, reservations
from slurm_rest_api.slurmapi.sources.commands.configuration import parse_configuration
from slurm_rest_api.slurmapi.sources.commands.node_proof import NodeProof
from slurm_rest_api.slurmapi.sources.commands.nodes import (
    NodeContext,
    ParsedNode,
    json_texts,
    node_lines,
    node_record,
)
from slurm_rest_api.slurmapi.sources.commands.partitions import partition_records
from slurm_rest_api.slurmapi.sources.commands.programs import SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.rpcs import Rpcs
from slurm_rest_api.slurmapi.sources.commands.statistics import statistics_record
from tests.builders import with_collected_fields
from tests.cluster.comparison import Row, count, differences, known_not_zero, limit, split, word
from tests.cluster.test_nodes import JSON_ROWS
from tests.cluster.test_partitions_and_stats import (
    BACKFILL_EXIT_ROWS,
    LOANED,
    PARTITION_ROWS,
    RPC_TYPE_ROWS,
    RPC_USER_ROWS,
    SCHEDULE_EXIT_ROWS,
    STATISTICS_ROWS,
)
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.steps import wait_until

Facts = dict[str, Any]

ENVIRONMENT = "LC_ALL=C.UTF-8 SLURM_TIME_FORMAT=%s TZ=UTC"
NODE_ROWS = [
    *(row for row in JSON_ROWS if row.field != "partitions"),
    Row("partitions", "partitions"),
    Row("reason_uid", "reason_set_by_user", lambda name: {"": None, "root": 0}[name]),
    Row("idle_mem", "real_memory"),
]
HOSTILE = "fan State=IDLE CPUAlloc=99 Gres=gpu:4090:8 [bob@1] f\udcfcr"


def printed(cluster: Cluster, command: str) -> bytes:
    """Returns the standard output of a command of Slurm, which may not be UTF-8."""
    text = cluster.run(["sh", "-c", f"{ENVIRONMENT} {command} | base64"]).stdout
    return base64.b64decode(text)


def lines(cluster: Cluster, command: str) -> list[bytes]:
    return printed(cluster, command).split(b"\n")[:-1]


def nodes(cluster: Cluster) -> dict[str, ParsedNode]:
    settings = parse_configuration(printed(cluster, "scontrol show config").decode())
    names = UserNames(user_id=lambda name: {"root": 0}[name])
    context = NodeContext(names, settings.cluster_name, settings.default_node_port, settings.release)
    found = list(node_lines(lines(cluster, "scontrol -d -o -a show node")))
    parsed = [node_record(line, context) for line in found]
    return {node.record["name"]: node for node in parsed}


def unlike_nodes(cluster: Cluster) -> list[str]:
    before = cluster.nodes_json()
    ours = nodes(cluster)
    after = cluster.nodes_json()
    assert ours.keys() == before.keys()
    for node in with_collected_fields(node.record for node in ours.values()):
        NodeRecord.model_validate(node)
    return [
        f"{name}: {line}"
        for name, node in ours.items()
        for line in differences(NODE_ROWS, node.record, before[name], after[name])
        # The JSON has no idle memory: the memory of the node without what is allocated.
        if not line.startswith("idle_mem")
    ]


@pytest.fixture
def busy_cluster(cluster: Cluster, jobs: Jobs) -> Iterator[Cluster]:
    """Nodes with jobs, a GPU in use, a hostile reason, a comment, and a text in `extra`."""
    update = ["scontrol", "update", "nodename=rack008"]
    jobs.running(nodelist="rack001", ntasks=5, mem_per_cpu=300)
    jobs.running(partition="high", nodelist="rack005", gres="gpu:tesla:1")
    cluster.run([*update, "state=drain", f"reason={HOSTILE}"])
    cluster.run(["scontrol", "update", "nodename=rack002", "comment=rack 5, row = 1 State=DOWN"])
    cluster.run(["scontrol", "update", "nodename=rack003", "extra=x  y "])
    try:
        yield cluster
    finally:
        for name, key in (("rack002", "comment"), ("rack003", "extra")):
            cluster.run(["scontrol", "update", f"nodename={name}", f"{key}="])
        cluster.undrain("rack008")


def test_every_field_of_a_node_is_that_of_the_json(busy_cluster: Cluster) -> None:
    # The state of a node may change between two readings.
    assert wait_until("nodes to agree", lambda: unlike_nodes(busy_cluster), lambda seen: not seen) == []


def test_texts_of_nodes(busy_cluster: Cluster) -> None:
    found = nodes(busy_cluster)
    assert found["rack008"].record["reason"] == "fan State=IDLE CPUAlloc=99 Gres=gpu:4090:8 [bob@1] f\ufffdr"
    assert (found["rack008"].record["reason_user"], found["rack008"].record["alloc_cpus"]) == ("root", 0)
    assert found["rack002"].record["comment"] == "rack 5, row = 1 State=DOWN"
    assert found["rack003"].record["extra"] == "x  y "
    assert {name for name, node in found.items() if node.doubtful} == set()
    assert found["rack005"].record["gres_used"] in (["gpu:tesla:1"], ["gpu:tesla:2"])


def test_doubtful_texts_come_from_json(cluster: Cluster) -> None:
    texts = {"comment": "checked", "extra": "e Comment=x"}
    cluster.run(["scontrol", "update", "nodename=rack008", *(f"{key}={value}" for key, value in texts.items())])
    try:
        node = nodes(cluster)["rack008"]
        assert node.doubtful == {"Comment", "Extra"}
        assert (node.record["comment"], node.record["extra"]) == (None, None)
        found = json_texts(printed(cluster, "scontrol show node rack008 --json").decode(), UserNames())
        assert (found["comment"], found["extra"], found["reason"]) == ("checked", "e Comment=x", None)
    finally:
        cluster.run(["scontrol", "update", "nodename=rack008", "comment=", "extra="])


class ClusterPrograms(SlurmPrograms):
    """The commands of the testbed."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster

    def pieces(self, separator: bytes, program: str, *arguments: str) -> Generator[bytes]:
        yield from printed(self._cluster, f"{program} {' '.join(arguments)}").removesuffix(separator).split(separator)


def test_a_comment_that_prints_nodes_changes_no_node(cluster: Cluster) -> None:
    line = printed(cluster, "scontrol -d -o -a show node rack001").decode().strip()
    made_up = [re.sub("NodeName=[^ ]+", f"NodeName={name}", line) for name in ("evil", "rack005", "evil2")]
    comment = "\n".join(["x", *(re.sub(" State=[^ ]+", " State=DOWN", text) for text in made_up)])
    cluster.run(["scontrol", "update", "nodename=rack003", f"comment={comment}"])
    try:
        found = NodeProof(ClusterPrograms(cluster)).whole_lines(
            node_lines(lines(cluster, "scontrol -d -o -a show node")), Rpcs()
        )
        assert found.keys() == cluster.nodes_json().keys()
        assert f" Comment={comment}".encode() in found["rack003"]
        assert b" State=DOWN" not in found["rack005"]
    finally:
        cluster.run(["scontrol", "update", "nodename=rack003", "comment="])


PARTITION_JSON_ROWS = [
    Row("name", "name"),
    Row("nodes", "nodes.configured", word),
    Row("nodesets", "node_sets", split),
    Row("total_nodes", "nodes.total"),
    Row("total_cpus", "cpus.total"),
    Row("qos_char", "qos.assigned", word),
    Row("alternate", "alternate", word),
    Row("tres_fmt_str", "tres.configured", word),
    Row("billing_weights_str", "tres.billing_weights", word),
    Row("max_nodes", "maximums.nodes", limit),
    Row("max_cpus_per_node", "maximums.cpus_per_node", limit),
    Row("max_cpus_per_socket", "maximums.cpus_per_socket", limit),
    Row("min_nodes", "minimums.nodes"),
    Row("grace_time", "grace_time"),
    Row("priority_tier", "priority.tier"),
    Row("priority_job_factor", "priority.job_factor"),
    Row("resume_timeout", "timeouts.resume", known_not_zero),
    Row("suspend_time", "suspend_time", known_not_zero),
    Row("suspend_timout", "timeouts.suspend", known_not_zero),
]


def test_every_field_of_a_partition_is_that_of_scontrol(cluster: Cluster) -> None:
    words = [f"{name}={value}" for name, value in LOANED.items()]
    cluster.run(["scontrol", "create", "PartitionName=borrowed", *words])
    try:
        found = partition_records(lines(cluster, "scontrol -o -a show part"), "testbed")
        told = cluster.partitions_json()
        texts = {name: cluster.scontrol_show("partition", name) for name in told}
    finally:
        cluster.run(["scontrol", "delete", "PartitionName=borrowed"])
    assert {"main", "secret", "borrowed"} <= {record["name"] for record in found} == told.keys()
    for record in found:
        PartitionRecord.model_validate(record)
        name = record["name"]
        optional = {row.slurm for row in PARTITION_ROWS} - texts[name].keys()
        flags = {f"flags.{flag}": value for flag, value in record["flags"].items()}
        text = {**dict.fromkeys(optional), **texts[name]}
        assert differences(PARTITION_JSON_ROWS, record, told[name], told[name]) == []
        assert differences(PARTITION_ROWS, {**record, **flags}, text, text) == []


def unlike_statistics(cluster: Cluster) -> list[str]:
    before = cluster.sdiag_json()
    ours = statistics_record(printed(cluster, "sdiag").decode())
    after = cluster.sdiag_json()
    StatisticsRecord.model_validate(ours)
    # sdiag prints means instead of the sums.
    rows = [row for row in STATISTICS_ROWS if not row.field.endswith("_sum") and row.field != "schedule_cycle_depth"]
    found = [
        *differences([*rows, Row("job_states_ts", "job_states_ts", count, moving=True)], ours, before, after),
        *differences(SCHEDULE_EXIT_ROWS, ours["schedule_exit"], before["schedule_exit"], after["schedule_exit"]),
        *differences(BACKFILL_EXIT_ROWS, ours["bf_exit"], before["bf_exit"], after["bf_exit"]),
    ]
    tables = (
        ("rpc_type_stats", "rpcs_by_message_type", "message_type", RPC_TYPE_ROWS),
        ("rpc_user_stats", "rpcs_by_user", "user", RPC_USER_ROWS),
    )
    for field, table, key, rows in tables:
        first, last = ({entry[key]: entry for entry in facts[table]} for facts in (before, after))
        assert ours[field].keys() >= first.keys()
        for name, entry in first.items():
            found += [f"{name}: {line}" for line in differences(rows, ours[field][name], entry, last[name])]
    return found


def test_every_statistic_is_that_of_sdiag(cluster: Cluster) -> None:
    # A gauge may jump up and down between two readings. A field that is read wrongly never agrees.
    assert wait_until("the statistics to agree", lambda: unlike_statistics(cluster), lambda seen: not seen) == []


def test_settings(cluster: Cluster) -> None:
    found = parse_configuration(printed(cluster, "scontrol show config").decode())
    version = cluster.run(["scontrol", "--version"]).stdout.split()[1]
    assert (found.cluster_name, found.version) == ("testbed", version)
    assert "gres/gpu" in found.accounting_storage_tres
    assert found.slurmd_port == 6818


RESERVATION_ROWS = [
    Row("name", "name"),
    Row("start_time", "start_time", count),
    Row("end_time", "end_time", count),
    Row("nodes", "node_list", word),
    Row("node_cnt", "node_count"),
    Row("core_cnt", "core_count"),
    Row("features", "features", word),
    Row("partition", "partition", word),
    Row("flags", "flags", sorted, ours=sorted),
    Row("tres_str", "tres", word),
    Row("users", "users", lambda text: split(text) or None),
    Row("groups", "groups", lambda text: split(text) or None),
    Row("accounts", "accounts", lambda text: split(text) or None),
    Row("core_ids", "core_specializations", lambda cores: {core["node"]: core["core"] for core in cores}),
]


def test_every_field_of_a_reservation_is_that_of_the_json(cluster: Cluster) -> None:
    options = {
        "nodes=rack007": "accounts=physics,biology starttime=now+1day duration=60 flags=ignore_jobs,maint",
        "nodes=rack008": "users=alice,bob starttime=now duration=30 flags=ignore_jobs,overlap licenses=matlab:2",
        "corecnt=2": "users=carol starttime=now+2days duration=5 partition=long nodecnt=1 flags=ignore_jobs",
    }
    for number, (place, words) in enumerate(options.items()):
        cluster.run(["scontrol", "create", f"reservation=parsed_{number}", place, *words.split()])
    try:
        cluster.run(["scontrol", "update", "reservation=parsed_0", "comment=a State=ACTIVE Users=root"])
        found = reservations.parse_reservations(lines(cluster, f"scontrol {' '.join(reservations.ARGUMENTS)}"))
        ours = {record["name"]: record for record in found}
        told = {record["name"]: record for record in cluster.scontrol_json("reservations")["reservations"]}
    finally:
        for number in range(len(options)):
            cluster.run(["scontrol", "delete", f"reservation=parsed_{number}"])
    assert ours.keys() == told.keys() >= {"parsed_0", "parsed_1", "parsed_2"}
    for name, record in ours.items():
        assert differences(RESERVATION_ROWS, record, told[name], told[name]) == []
    assert (ours["parsed_0"]["comment"], ours["parsed_0"]["state"]) == ("a State=ACTIVE Users=root", "INACTIVE")
    assert (ours["parsed_1"]["licenses"], ours["parsed_1"]["state"]) == ({"matlab": 2}, "ACTIVE")


LICENSE_ROWS = [
    Row("name", "LicenseName"),
    Row("total", "Total"),
    Row("used", "Used"),
    Row("free", "Free"),
    Row("reserved", "Reserved"),
    Row("remote", "Remote"),
]


def test_licenses_in_use(cluster: Cluster, jobs: Jobs) -> None:
    jobs.running(nodelist="rack001", licenses="matlab:2")
    (found,) = licenses.parse_licenses(lines(cluster, f"scontrol {' '.join(licenses.ARGUMENTS)}"))
    (told,) = cluster.scontrol_json("licenses")["licenses"]
    assert differences(LICENSE_ROWS, found, told, told) == []
    assert (found["name"], found["total"], found["used"]) == ("matlab", 4, 2)


def test_priority_factors_add_up(cluster: Cluster, jobs: Jobs) -> None:
    jobs.running(nodelist="rack007", partition="long", exclusive=True)
    job = jobs.submit(nodelist="rack007", partition="long", exclusive=True, nice=10)
    command = f"sprio {' '.join(priority_factors.ARGUMENTS)}".replace("|", r"\|")

    def factors() -> list[priority_factors.PriorityFactors]:
        found = priority_factors.parse_priority_factors(lines(cluster, command))
        return [record for record in found if record["job_id"] == job]

    (found,) = wait_until("sprio to have the job", factors, lambda records: len(records) == 1)
    assert (found["partition"], found["user"], found["account"], found["nice"]) == ("long", "alice", "physics", 10)
    weighted = ("site", "age", "assoc", "fair_share", "job_size", "partition_factor", "qos_factor")
    names: Facts = {**found}
    # Each factor is rounded to a whole number.
    assert abs(sum(names[name] for name in weighted) - names["nice"] - names["priority"]) <= len(weighted)


def test_fair_share_is_that_of_the_json(cluster: Cluster) -> None:
    text = printed(cluster, f"sshare {' '.join(fair_share.ARGUMENTS)}").split(b"\n")
    found = list(fair_share.parse_fair_share(text))
    told = json.loads(printed(cluster, "sshare -l -a --json"))["shares"]["shares"]
    assert len(found) == len(told) >= 8
    for ours, entry in zip(found, told, strict=True):
        is_user = entry["type"] == ["USER"]
        assert (ours["user"] or ours["account"]) == entry["name"]
        assert (ours["account"] if is_user else ours["parent_account"] or "") == entry["parent"]
        assert (ours["raw_shares"] or 0) == entry["shares"]["number"]
        assert (ours["partition"] or "") == entry["partition"]
        assert ours["effective_usage"] == pytest.approx(entry["effective_usage"]["number"], abs=1e-5)
        assert ours["norm_shares"] == pytest.approx(entry["shares_normalized"]["number"], abs=1e-5)
        # slurmctld counts the usage of running jobs, and lets it decay, between the two commands.
        assert entry["usage"] == pytest.approx(ours["raw_usage"], abs=3600)
        factor, level = entry["fairshare"]["factor"]["number"], entry["fairshare"]["level"]
        assert ours["fair_share"] == (pytest.approx(factor, abs=1e-5) if is_user else None)
        if ours["level_fs"] is not None:
            assert ours["level_fs"] == pytest.approx(level["number"], rel=0.01, abs=1e-5)


def test_each_kind_costs_one_rpc(cluster: Cluster) -> None:
    commands = {
        f"scontrol {' '.join(reservations.ARGUMENTS)}": "REQUEST_RESERVATION_INFO",
        f"scontrol {' '.join(licenses.ARGUMENTS)}": "REQUEST_LICENSE_INFO",
        f"sprio {' '.join(priority_factors.ARGUMENTS)}".replace("|", r"\|"): "REQUEST_PRIORITY_FACTORS",
        f"sshare {' '.join(fair_share.ARGUMENTS)}": "REQUEST_SHARE_INFO",
    }
    for command, name in commands.items():
        costs = [_cost(cluster, command, name) for _ in range(10)]
        # A service of another test may read the same kind between the two counts.
        assert min(costs) == 1, (name, costs)


def _cost(cluster: Cluster, command: str, name: str) -> int:
    """Returns the number of RPCs of one type that slurmctld counted during a command."""
    before = _calls(cluster).get(name, 0)
    printed(cluster, command)
    return _calls(cluster)[name] - before


def _calls(cluster: Cluster) -> dict[str, int]:
    """Returns calls by message type."""
    found = re.findall(r"^\t(\w+) +\( *\d+\) count:(\d+) +ave", cluster.run(["sdiag"]).stdout, re.MULTILINE)
    return {name: int(number) for name, number in found}
