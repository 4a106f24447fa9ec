"""Reservations, licenses, priority factors and fair share of real clusters of several releases."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.sources.commands.licenses import parse_licenses
from slurm_rest_api.slurmapi.sources.commands.priority_factors import parse_priority_factors, parse_priority_weights
from slurm_rest_api.slurmapi.sources.commands.reservations import ReservationRecord, parse_reservations
from tests.slurmapi.sources.commands.recorded_clusters import RELEASES, RecordedCluster


@pytest.fixture(params=RELEASES)
def cluster(request: pytest.FixtureRequest) -> RecordedCluster:
    return RecordedCluster(request.param)


def reservations_of(cluster: RecordedCluster) -> dict[str, ReservationRecord]:
    return {record["name"]: record for record in parse_reservations(cluster.lines("res"))}


def test_reservations_of_whole_nodes(cluster: RecordedCluster) -> None:
    found = reservations_of(cluster)
    assert list(found) == ["spring", "class", "cores", "lics", "service"]
    spring = found["spring"]
    # 2030-03-01, 8 to 10 o'clock.
    assert (spring["start_time"], spring["end_time"], spring["state"]) == (1898582400, 1898589600, "INACTIVE")
    assert (spring["nodes"], spring["node_cnt"], spring["core_cnt"]) == ("k4", 1, 8)
    assert spring["flags"] == ["MAINT", "IGNORE_JOBS", "SPEC_NODES"]
    assert (spring["users"], spring["accounts"]) == (["root"], None)
    assert found["class"]["users"] == ["alice", "bruno"]
    assert found["class"]["state"] == found["service"]["state"] == "ACTIVE"


def test_a_reservation_of_cores(cluster: RecordedCluster) -> None:
    found = reservations_of(cluster)["cores"]
    assert (found["nodes"], found["core_cnt"], found["tres_str"]) == ("k3", 2, "cpu=2")
    assert (found["partition"], found["accounts"]) == ("long", ["chem"])
    # 17.11 and later say which cores.
    assert found["core_ids"] == ({} if cluster.numbers < (17, 11) else {"k3": "0-1"})


def test_a_reservation_of_licenses(cluster: RecordedCluster) -> None:
    found = reservations_of(cluster)["lics"]
    assert (found["licenses"], found["nodes"], found["users"]) == ({"matlab": 1}, None, ["chen"])


def test_licenses(cluster: RecordedCluster) -> None:
    found = {license_["name"]: license_ for license_ in parse_licenses(cluster.lines("lic"))}
    counts = {name: (found[name]["total"], found[name]["used"], found[name]["free"]) for name in found}
    assert counts == {"ansys": (2, 1, 1), "matlab": (4, 2, 2)}


def test_factors_add_up_to_the_priority(cluster: RecordedCluster) -> None:
    found = list(parse_priority_factors(cluster.lines("sprio")))
    assert found
    for job in found:
        factors = ("site", "age", "assoc", "fair_share", "job_size", "partition_factor", "qos_factor")
        values = dict(job.items())
        total = sum(int(str(values[name] or 0)) for name in factors) - (job["nice"] or 0)
        # Each factor is rounded.
        assert job["priority"] == pytest.approx(total, abs=2)
        assert job["user"] in ("alice", "bruno", "chen")


def test_priorities_are_those_of_squeue(cluster: RecordedCluster) -> None:
    priorities = {int(row[0]): int(row[4]) for row in cluster.rows("squeue-values")}
    found = {job["job_id"]: job["priority"] for job in parse_priority_factors(cluster.lines("sprio"))}
    both = priorities.keys() & found.keys()
    assert both
    assert {job: found[job] for job in both} == {job: priorities[job] for job in both}


def test_weights_are_those_of_the_configuration(cluster: RecordedCluster) -> None:
    assoc = None if cluster.release in ("15.08", "17.02", "17.11") else 0
    found = parse_priority_weights(b"\n".join(cluster.lines("config")).decode())
    fair_share = 0 if cluster.release == "15.08" else 10000
    assert (found["age"], found["fairshare"], found["job_size"]) == (1000, fair_share, 500)
    assert (found["partition"], found["qos"], found["tres"], found["assoc"]) == (2000, 3000, None, assoc)


def test_fair_share(cluster: RecordedCluster) -> None:
    found = list(parse_fair_share(cluster.lines("sshare")))
    if cluster.release == "15.08":
        # This cluster has no accounting.
        assert found == []
        return
    shares = {(row["account"], row["user"]): row["raw_shares"] for row in found}
    assert shares == {
        ("root", None): None,
        ("root", "root"): 1,
        ("chem", None): 5,
        ("chem", "alice"): 1,
        ("chem", "bruno"): 1,
        ("physics", None): 10,
        ("physics", "chen"): 3,
        ("optics", None): 1,
        ("optics", "alice"): 1,
        ("zoo", None): 1,
        ("zoo", "bruno"): 1,
    }
    parents = {row["account"]: row["parent_account"] for row in found if row["user"] is None}
    assert parents == {"root": None, "chem": "root", "physics": "root", "optics": "physics", "zoo": "root"}
    assert sum(row["norm_usage"] or 0 for row in found if row["user"]) <= 1.01
