"""/reservations, /licenses and the reservations of /nodes against scontrol, with both sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import pytest

from slurm_rest_api.slurmapi.contract.license import LicenseRecord
from slurm_rest_api.slurmapi.contract.reservation import ReservationRecord
from tests.cluster.answers import ask, fresh
from tests.cluster.comparison import Row, count, differences, split, word
from tests.cluster.conftest import CONFIG, Jobs, StartService
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import CLUSTER, HIDDEN_NODE, HIDDEN_PARTITION
from tests.testbed.truth import parse_record
from tests.waiting import wait_for

Facts = dict[str, Any]
Records = dict[str, Facts]

# No two of them hold one node at one time.
RESERVATIONS: Final = {
    "maint": "nodes=rack007 starttime=now duration=60 users=root flags=maint,ignore_jobs",
    "matlab": "licenses=matlab:2,ansys@flex:1 starttime=now duration=60 users=alice,bob flags=any_nodes,ignore_jobs",
    "secret": f"nodes={HIDDEN_NODE} starttime=now duration=60 users=root flags=ignore_jobs",
    "flex": "nodes=rack001 starttime=now+1hour duration=30 accounts=physics,biology flags=flex,purge_comp=00:05:00,"
    "ignore_jobs",
    "weekly": "nodes=rack001 starttime=now+5days duration=10 users=alice flags=weekly,user_delete",
    "hourly": "nodes=rack004 starttime=now+1day duration=10 users=alice flags=hourly,no_hold_jobs_after_end",
    "not_bob": "nodes=rack002 starttime=now+2days duration=1-00:00:00 users=-bob",
    "feature": "partition=main nodecnt=1 starttime=now+3days duration=60 users=alice features=accelerated",
    "cores": "corecnt=2 nodecnt=1 partition=long starttime=now+4days duration=60 users=carol",
    "daily": "nodes=rack003 starttime=now+5days duration=60 users=alice flags=daily,magnetic",
    "tres": "tres=cpu=4,gres/gpu=1 partition=main starttime=now+6days duration=60 users=alice",
    "not_biology": "nodes=rack002 starttime=now+9days duration=60 accounts=-biology",
    "of_secret": f"partition={HIDDEN_PARTITION} nodecnt=1 starttime=now+10days duration=60 users=root",
    "shared": f"nodes=rack007,{HIDDEN_NODE} starttime=now+11days duration=60 accounts=physics users=alice",
    "group": "nodes=rack006 starttime=now+12days duration=60 groups=root",
    "qos": "nodes=rack006 starttime=now+13days duration=60 qos=normal",
    "allowed": f"nodes=rack006 starttime=now+14days duration=60 users=alice allowedpartitions=main,{HIDDEN_PARTITION}",
    "floating": "nodes=rack005 starttime=now+15days duration=60 users=alice flags=time_float maxstartdelay=5",
    "replaced": "partition=main nodecnt=1 starttime=now+20days duration=infinite users=alice flags=replace_down",
}
COMMENT: Final = "a b=c State=ACTIVE Users=root"
HIDDEN: Final = {"secret", "of_secret"}
PARTLY_HIDDEN: Final = {"shared": {"node_list": "rack007", "node_count": 1, "core_count": 8, "tres": ""}}

JSON_ROWS = [
    Row("name", "name"),
    Row("start_time", "start_time", count, moving=True),
    Row("end_time", "end_time", count, moving=True),
    Row("nodes", "node_list", word),
    Row("node_cnt", "node_count"),
    Row("core_cnt", "core_count"),
    Row("core_ids", "core_specializations", lambda cores: {core["node"]: core["core"] for core in cores}),
    Row("features", "features", word),
    Row("partition", "partition", word),
    Row("flags", "flags", sorted, ours=sorted),
    Row("tres_str", "tres", word),
    Row("users", "users", lambda text: split(text) or None),
    Row("groups", "groups", lambda text: split(text) or None),
    Row("accounts", "accounts", lambda text: split(text) or None),
    Row("licenses", "licenses", lambda text: {name: int(of) for name, of in re.findall(r"([^:,;]+):(\d+)", text)}),
    Row("burst_buffer", "burst_buffer", word),
    Row("max_start_delay", "max_start_delay", lambda seconds: seconds or None),
]
TEXT_ROWS = [
    Row("state", "State", {"ACTIVE": "ACTIVE", "INACTIVE": "UPCOMING"}.__getitem__),
    Row("qos", "QOS", lambda text: split(text) or None),
    Row("comment", "Comment", lambda text: text or None),
    Row("allowed_partitions", "AllowedPartitions",
        lambda text: [name for name in split(text) if name != HIDDEN_PARTITION] or None),
]  # fmt: skip
LICENSE_ROWS = [
    *(Row(name.lower(), name) for name in ("Total", "Used", "Free", "Reserved", "Remote")),
    Row("name", "LicenseName"),
    Row("last_consumed", "last_consumed"),
    Row("last_deficit", "last_deficit"),
    Row("last_update", "last_update"),
]


@dataclass(frozen=True)
class Reading:
    """The responses of a service at one moment, between two readings of scontrol."""

    service: Service
    reservations: Records
    nodes: Records
    licenses: Records
    before: Records
    after: Records


def create(cluster: Cluster, name: str, words: str) -> None:
    cluster.run(["scontrol", "create", f"reservation={name}", *words.split()])


def printed_reservations(cluster: Cluster) -> Records:
    """Returns scontrol's JSON of each reservation, with the keys that only its text has."""
    lines = cluster.run(["scontrol", "-o", "-a", "show", "res"]).stdout.splitlines()
    texts = {text["ReservationName"]: text for text in map(parse_record, lines)}
    told = {record["name"]: record for record in cluster.scontrol_json("reservations")["reservations"]}
    comments = {line.split()[0].partition("=")[2]: line.partition(" Comment=")[2] for line in lines}
    return {name: {**texts[name], **record, "Comment": comments[name]} for name, record in told.items()}


def printed_licenses(cluster: Cluster) -> Records:
    """Returns scontrol's JSON of each license. What a license server says is null for local ones, as in its text."""
    return {
        record["LicenseName"]: record | {
            ours: record[name] if record["Remote"] else None
            for ours, name in (
                ("last_consumed", "LastConsumed"), ("last_deficit", "LastDeficit"), ("last_update", "LastUpdate")
            )
        }
        for record in cluster.scontrol_json("licenses")["licenses"]
    }  # fmt: skip


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Iterator[None]:
    """Makes the reservations, a remote license, and a job that uses two licenses."""
    jobs = Jobs(cluster)
    resource = ["resource", "name=ansys", "server=flex"]
    cluster.run(["sacctmgr", "-i", "add", *resource, "type=license", "count=20", f"cluster={CLUSTER}", "allowed=50"])
    made = []
    try:
        wait_for("the remote license", lambda: "ansys@flex" in printed_licenses(cluster))
        for name, words in RESERVATIONS.items():
            create(cluster, name, words)
            made.append(name)
        cluster.run(["scontrol", "update", "reservation=hourly", f"comment={COMMENT}"])
        jobs.running(nodelist="rack003", licenses="matlab:1,ansys@flex:3")
        yield
    finally:
        jobs.cancel_all()
        for name in made:
            cluster.run(["scontrol", "delete", f"reservation={name}"])
        cluster.run(["sacctmgr", "-i", "delete", *resource])
        wait_for("the remote license to be gone", lambda: "ansys@flex" not in printed_licenses(cluster))


@pytest.fixture(scope="module", params=["pyslurm", "commands"])
def reading(request: pytest.FixtureRequest, cluster: Cluster, start: StartService, scene: None) -> Reading:
    source = f"system:\n  source: slurm:{request.param}"
    service: Service = start(CONFIG.replace("system:", source))
    before = printed_reservations(cluster)
    reservations, nodes, licenses = fresh(service, "/reservations", "/nodes", "/licenses")
    return Reading(service, reservations, nodes, licenses, before, printed_reservations(cluster))


def test_every_field_of_a_reservation_is_that_of_scontrol(reading: Reading) -> None:
    assert reading.before.keys() == reading.after.keys() >= RESERVATIONS.keys()
    assert reading.reservations.keys() == reading.before.keys() - HIDDEN
    for name, record in reading.reservations.items():
        ReservationRecord.model_validate(record)
        before, after = (facts[name] | PARTLY_HIDDEN.get(name, {}) for facts in (reading.before, reading.after))
        assert differences(JSON_ROWS + TEXT_ROWS, record, before, after) == [], name
        assert record["duration"] == record["end_time"] - record["start_time"]
    assert reading.reservations["hourly"]["comment"] == COMMENT
    purged = {name: record["purge_comp_time"] for name, record in reading.reservations.items()}
    assert purged == {**dict.fromkeys(purged), "flex": 300}


def test_one_reservation_by_its_name(reading: Reading) -> None:
    for name, record in reading.reservations.items():
        answer = ask(reading.service, f"/reservations/{quote(name)}")
        fixed = {key: value for key, value in answer.json["data"].items() if not key.endswith("_time")}
        assert (answer.status, fixed) == (200, {key: record[key] for key in fixed})
    for name in HIDDEN:
        assert ask(reading.service, f"/reservations/{name}").status == 404


def test_nodes_have_the_reservations_that_scontrol_prints_for_them(cluster: Cluster, reading: Reading) -> None:
    told = {name: cluster.scontrol_show("node", name) for name in reading.nodes}
    for name, node in reading.nodes.items():
        # slurmctld names one of the reservations that hold the node now.
        holding = told[name].get("ReservationName")
        assert ("RESERVED" in node["state_flags"]) == ("RESERVED" in told[name]["State"]) == (holding is not None)
        assert holding is None or holding in node["reservations"]
    assert "MAINTENANCE" in reading.nodes["rack007"]["state_flags"]
    feature, tres = (reading.before[name]["node_list"] for name in ("feature", "tres"))
    expected: dict[str, list[str]] = {
        "rack001": ["flex", "weekly"], "rack002": ["not_bob"], "rack003": ["daily"], "rack004": ["hourly"],
        "rack005": ["floating"], "rack006": [], "rack007": ["maint"],
    }  # fmt: skip
    # slurmctld chose these nodes.
    for node, name in ((feature, "feature"), (reading.before["cores"]["node_list"], "cores"), (tres, "tres")):
        expected[node].append(name)
    assert {name: sorted(node["reservations"]) for name, node in reading.nodes.items()} == {
        name: sorted(names) for name, names in expected.items()
    }


def _named(key: str, *names: str) -> Callable[[Facts], bool]:
    return lambda facts: not set(names).isdisjoint(split(facts[key]))


def _starts(first: int, last: int) -> Callable[[Facts], bool]:
    return lambda facts: first <= count(facts["start_time"]) < last


def test_filters_find_what_scontrol_prints(cluster: Cluster, reading: Reading) -> None:
    nodes_of = {name: set(_hosts(cluster, facts["node_list"])) for name, facts in reading.before.items()}
    of_long = {*_hosts(cluster, cluster.partitions_json()["long"]["nodes"]["configured"])}
    times = sorted(count(facts["start_time"]) for facts in reading.before.values())
    first, last = times[len(times) // 3], times[2 * len(times) // 3]
    cases: dict[str, Callable[[Facts], bool]] = {
        "user=alice": _named("users", "alice"),
        "user=carol,bob": _named("users", "carol", "bob"),
        "account=biology": _named("accounts", "biology"),
        "flag=maint,daily": _named("flags_text", "MAINT", "DAILY"),
        "active=true": lambda facts: facts["State"] == "ACTIVE",
        "active=false": lambda facts: facts["State"] == "INACTIVE",
        "node=rack[001-002]": lambda facts: not nodes_of[facts["name"]].isdisjoint(("rack001", "rack002")),
        "partition=long": lambda facts: bool(nodes_of[facts["name"]] & of_long) or facts["partition"] == "long",
        f"node={HIDDEN_NODE}": lambda facts: False,
        f"startafter={first}&startbefore={last}": _starts(first, last),
        f"endbefore={last}": lambda facts: count(facts["end_time"]) < last,
        f"endafter={last}&user=alice": lambda facts: (
            count(facts["end_time"]) >= last and _named("users", "alice")(facts)
        ),
    }
    told = {
        name: {**facts, "flags_text": ",".join(facts["flags"])}
        for name, facts in reading.before.items()
        if name not in HIDDEN
    }
    for query, matches in cases.items():
        expected = {name for name, facts in told.items() if matches(facts)}
        assert set(ask(reading.service, f"/reservations?{quote(query, '=&')}").json["data"]) == expected, query


def _hosts(cluster: Cluster, hostlist: str) -> list[str]:
    return cluster.run(["scontrol", "show", "hostnames", hostlist]).stdout.split() if hostlist else []


def test_every_field_of_a_license_is_that_of_scontrol(cluster: Cluster, reading: Reading) -> None:
    told = printed_licenses(cluster)
    assert reading.licenses.keys() == told.keys() == {"matlab", "ansys@flex"}
    for name, record in reading.licenses.items():
        LicenseRecord.model_validate(record)
        assert differences(LICENSE_ROWS, record, told[name], told[name]) == []
        assert ask(reading.service, f"/licenses/{quote(name)}").json["data"] == record
    matlab = reading.licenses["matlab"]
    # Free licenses include the reserved ones.
    assert [matlab[key] for key in ("total", "used", "free", "reserved", "remote")] == [4, 1, 3, 2, False]
    assert [reading.licenses["ansys@flex"][key] for key in ("total", "used", "remote")] == [10, 3, True]
    sums = ask(reading.service, "/licenses?count=true").json["data"]
    assert sums == {"count": 2, "total": 14, "used": 4, "free": 10, "reserved": 3}


def test_a_reservation_that_is_deleted_is_gone(cluster: Cluster, reading: Reading) -> None:
    create(cluster, "brief", "nodes=rack002 starttime=now+30days duration=1 users=bob flags=overlap")
    [found] = fresh(reading.service, "/reservations?user=bob")
    version = ask(reading.service, "/reservations").json["meta"]["version"]
    cluster.run(["scontrol", "delete", "reservation=brief"])
    [left] = fresh(reading.service, "/reservations?user=bob")
    changes = ask(reading.service, f"/reservations?since={quote(version)}").json
    assert (set(found), set(left), changes["meta"]["gone"]) == ({"brief", "matlab"}, {"matlab"}, ["brief"])
    assert set(changes["data"]) <= {"floating"}
