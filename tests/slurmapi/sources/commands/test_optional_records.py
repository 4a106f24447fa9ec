"""Reservations, licenses, priority factors and fair share: their parsers, and the paces of their readings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.base import Kind
from slurm_rest_api.slurmapi.sources.commands import optional_records
from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.sources.commands.licenses import parse_licenses
from slurm_rest_api.slurmapi.sources.commands.optional_records import OptionalRecords
from slurm_rest_api.slurmapi.sources.commands.priority_factors import parse_priority_factors
from slurm_rest_api.slurmapi.sources.commands.reservations import parse_reservations

# Slurm 26.05.
RESERVATION = (
    "ReservationName=spring StartTime=1898582400 EndTime=1898589600 Duration=02:00:00 Nodes=rack[001-002] NodeCnt=2 "
    "CoreCnt=12 Features=fast&ssd PartitionName=main Flags=MAINT,SPEC_NODES   NodeName=rack001 CoreIDs=0-3   "
    "NodeName=rack002 CoreIDs=0,2-8 TRES=cpu=12 AllowedPartitions=main,-high QOS=(null) Users=alice,bob "
    "Groups=domain users,-hpc Accounts=(null) Licenses=matlab:2,ansys State=ACTIVE BurstBuffer=(null) "
    "MaxStartDelay=00:05:00 Comment=the yearly service"
)
# Slurm 15.08.
OLD_RESERVATION = (
    "ReservationName=root_1 StartTime=1 EndTime=2 Duration=00:00:01 Nodes=(null) NodeCnt=0 CoreCnt=0 Features=(null) "
    "PartitionName=(null) Flags= TRES=(null) Users=root Accounts=(null) Licenses=(null) State=INACTIVE "
    "BurstBuffer=(null) Watts=n/a"
)


def reservations(*lines: str) -> list[Any]:
    return list(parse_reservations(line.encode() for line in lines))


def test_a_reservation() -> None:
    assert reservations(RESERVATION) == [
        {
            "name": "spring",
            "start_time": 1898582400,
            "end_time": 1898589600,
            "duration": 7200,
            "state": "ACTIVE",
            "nodes": "rack[001-002]",
            "node_cnt": 2,
            "core_cnt": 12,
            "core_ids": {"rack001": "0-3", "rack002": "0,2-8"},
            "features": "fast&ssd",
            "partition": "main",
            "flags": ["MAINT", "SPEC_NODES"],
            "purge_comp_time": None,
            "tres_str": "cpu=12",
            "allowed_partitions": ["main", "-high"],
            "qos": None,
            "users": ["alice", "bob"],
            "groups": ["domain users", "-hpc"],
            "accounts": None,
            "licenses": {"matlab": 2, "ansys": 1},
            "burst_buffer": None,
            "watts": None,
            "max_start_delay": 300,
            "comment": "the yearly service",
        }
    ]


def test_a_reservation_of_15_08() -> None:
    (found,) = reservations(OLD_RESERVATION)
    absent = ("groups", "max_start_delay", "comment", "allowed_partitions", "nodes", "tres_str", "watts")
    assert [found[name] for name in absent] == [None] * 7
    assert (found["users"], found["flags"], found["licenses"], found["core_ids"]) == (["root"], [], {}, {})


def test_a_comment_changes_no_other_field() -> None:
    evil = "x State=INACTIVE Users=root\nReservationName=y\n NodeName=rack009 CoreIDs=5 Flags=MAINT TRES=cpu=1"
    text = RESERVATION.replace("the yearly service", evil)
    (found,) = reservations(*text.split("\n"))
    assert found == reservations(RESERVATION)[0] | {"comment": evil}


def test_no_reservations() -> None:
    assert reservations("No reservations in the system") == []
    assert [found["name"] for found in reservations(RESERVATION, OLD_RESERVATION)] == ["spring", "root_1"]


def test_licenses() -> None:
    lines = [
        b"LicenseName=ansys Total=2 Used=1 Free=1 Remote=no",
        b"LicenseName=matlab@server Total=4 Used=2 Free=2 Reserved=1 Remote=yes LastConsumed=3 LastDeficit=0"
        b" LastUpdate=1795713468",
        b"LicenseName=power Total=10 Used=1 Free=9 Reserved=0 Remote=no Nodes=rack[001-004] Mode=2",
        b"LicenseName=power Total=6 Used=2 Free=4 Reserved=0 Remote=no Nodes=rack[005-008] Mode=2",
        b"LicenseName=power Total=4294967295 Used=0 Free=4294967295 Reserved=0 Remote=no Nodes=rack009 Mode=3",
    ]
    ansys, matlab, power = parse_licenses(lines)
    assert (ansys["total"], ansys["used"], ansys["free"], ansys["reserved"]) == (2, 1, 1, None)
    assert (matlab["name"], matlab["remote"], matlab["reserved"]) == ("matlab@server", True, 1)
    assert (matlab["last_consumed"], matlab["last_deficit"], matlab["last_update"]) == (3, 0, 1795713468)
    assert (power["total"], power["used"], power["free"], power["last_update"]) == (16, 3, 13, None)
    assert power["layers"][1] == {
        "nodes": "rack[005-008]",
        "mode": 2,
        "total": 6,
        "used": 2,
        "free": 4,
        "reserved": 0,
    }
    # INFINITE of slurm.h is no limit.
    assert (power["layers"][2]["total"], power["layers"][2]["free"]) == (None, None)
    assert ansys["layers"] == []


def test_no_licenses() -> None:
    assert list(parse_licenses([b"No licenses configured in Slurm."])) == []


def test_priority_factors() -> None:
    lines = [
        b"JOBID|PARTITION|USER|ACCOUNT|QOSNAME|PRIORITY|SITE|AGE|ASSOC|FAIRSHARE|JOBSIZE|PARTITION|QOS|NICE|TRES",
        b"33|main|bruno|chem|normal|4866|0|1|2|2750|116|2000|7|-50|cpu=100,mem=20",
        b"33|long|bruno|chem|normal|4866|0|1|2|2750|116|2000|7|0|",
    ]
    first, second = parse_priority_factors(lines)
    assert first == {
        "job_id": 33,
        "partition": "main",
        "user": "bruno",
        "account": "chem",
        "qos": "normal",
        "priority": 4866,
        "site": 0,
        "age": 1,
        "assoc": 2,
        "fair_share": 2750,
        "job_size": 116,
        "partition_factor": 2000,
        "qos_factor": 7,
        "nice": -50,
        "tres": "cpu=100,mem=20",
    }
    assert second == first | {"partition": "long", "nice": 0, "tres": None}


def test_priority_factors_of_15_08() -> None:
    """sprio leaves out the columns that it does not know."""
    lines = [b"JOBID|USER|PRIORITY|AGE|FAIRSHARE|JOBSIZE|PARTITION|QOS|NICE|TRES", b"4|alice|9|1|2|3|4|5|0|"]
    (found,) = parse_priority_factors(lines)
    assert [found["partition"], found["account"], found["qos"], found["site"], found["assoc"]] == [None] * 5
    assert (found["user"], found["partition_factor"], found["qos_factor"]) == ("alice", 4, 5)


def test_no_priority_factors() -> None:
    assert list(parse_priority_factors([b"Unable to find jobs matching user/id(s) specified"])) == []
    assert list(parse_priority_factors([])) == []


FAIR_SHARE = b"""\
Account|User|RawShares|NormShares|RawUsage|NormUsage|EffectvUsage|FairShare|LevelFS|GrpTRESMins|TRESRunMins
root|||0.000000|1777||1.000000||||cpu=5,mem=7
 root|root|1|0.250000|0|0.000000|0.000000|1.000000|inf||cpu=0
 physics||10|0.588235|945|0.5|0.5||1.5|cpu=60,gres/gpu=2|cpu=1
  physics|chen|parent|0.441176|316|0.141923|0.785481|0.291098|||cpu=1
  optics||2147483647|0.147059|628|0.689655|0.767242|||cpu=1|
   optics|alice|1|0.147059|628|0.210685|0.767242|0.026882|0.5||
 zoo||1|0.058824|103|nan|0.0||||
"""


def test_fair_share() -> None:
    found = list(parse_fair_share(FAIR_SHARE.split(b"\n")))
    assert [(row["account"], row["parent_account"], row["user"]) for row in found] == [
        ("root", None, None),
        ("root", None, "root"),
        ("physics", "root", None),
        ("physics", None, "chen"),
        ("optics", "physics", None),
        ("optics", None, "alice"),
        ("zoo", "root", None),
    ]
    assert found[2] == {
        "account": "physics",
        "parent_account": "root",
        "user": None,
        "partition": None,
        "raw_shares": 10,
        "norm_shares": 0.588235,
        "raw_usage": 945,
        "norm_usage": 0.5,
        "effective_usage": 0.5,
        "fair_share": None,
        "level_fs": 1.5,
        "group_tres_minutes": {"cpu": 60, "gres/gpu": 2},
        "tres_run_minutes": {"cpu": 1},
    }
    # Infinite for an association without usage.
    assert (found[1]["level_fs"], found[6]["norm_usage"]) == (None, None)
    assert [found[number]["raw_shares"] for number in (0, 3, 4)] == [None, "parent", "parent"]


class Programs:
    """Commands that print what a test wants, or fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fault: str | None = None
        self.output = RESERVATION.encode()

    def lines(self, program: str, *arguments: str) -> Iterator[bytes]:
        self.calls.append(" ".join((program, *arguments)))
        if self.fault:
            raise SourceUnavailable(self.fault)
        yield self.output


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_kind_is_read_at_its_own_pace() -> None:
    programs, clock = Programs(), Clock()
    optional = OptionalRecords(programs, {"reservations": 60.0, "licenses": 10.0}, clock)
    assert (optional.refresh(), optional.rpcs) == (["reservations", "licenses"], 2)
    assert programs.calls == ["scontrol -o -a show res", "scontrol -o show lic"]
    assert (optional.refresh(), optional.rpcs) == ([], 0)
    clock.now += 10
    assert (optional.refresh(), optional.rpcs) == (["licenses"], 1)
    clock.now += 50
    assert optional.refresh() == ["reservations", "licenses"]
    assert optional.records["reservations"][0]["name"] == "spring"
    assert optional.kinds["reservations"].read_at is not None


def test_a_kind_that_is_off_costs_nothing() -> None:
    programs = Programs()
    optional = OptionalRecords(programs, {})
    assert (optional.refresh(), optional.rpcs, programs.calls, optional.kinds) == ([], 0, [], {})


def test_a_kind_that_cannot_be_read_keeps_its_records() -> None:
    programs, clock = Programs(), Clock()
    optional = OptionalRecords(programs, {"reservations": 60.0}, clock)
    optional.refresh()
    records = optional.records["reservations"]
    programs.fault = "slurmctld cannot be read."
    clock.now += 60
    optional.refresh()
    known = optional.kinds["reservations"]
    assert (optional.records["reservations"], known.error) == (records, "slurmctld cannot be read.")
    assert known.failing_since is not None
    # It is not asked again before its interval has passed.
    assert (optional.refresh(), optional.rpcs) == ([], 0)
    programs.fault = None
    clock.now += 60
    optional.refresh()
    assert (optional.kinds["reservations"].error, optional.kinds["reservations"].failing_since) == (None, None)


@pytest.mark.parametrize("kind", ["reservations", "licenses", "priority_factors", "fair_share"])
def test_every_kind_is_one_command_and_the_weights_another(kind: Kind) -> None:
    programs = Programs()
    programs.output = b"SLURM_VERSION = 26.05.5\nPriorityWeightAge = 1000\nPriorityWeightTRES = CPU=1000,Mem=0.5"
    optional = OptionalRecords(programs, {kind: 60.0})
    optional.refresh()
    commands = 2 if kind == "priority_factors" else 1
    assert (optional.records[kind], optional.kinds[kind].error, len(programs.calls)) == ([], None, commands)
    # `scontrol show config` costs two: the configuration, and a ping.
    assert optional.rpcs == (3 if kind == "priority_factors" else 1)
    if kind == "priority_factors":
        assert programs.calls[1] == "scontrol show config"
        assert optional.weights is not None
        assert (optional.weights["age"], optional.weights["assoc"]) == (1000, None)
        assert optional.weights["tres"] == {"CPU": 1000.0, "Mem": 0.5}


def test_records_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    class Many(Programs):
        def lines(self, program: str, *arguments: str) -> Iterator[bytes]:
            return iter([RESERVATION.encode()] * 5)

    monkeypatch.setattr(optional_records, "RECORD_LIMIT", 3)
    optional = OptionalRecords(Many(), {"reservations": 60.0})
    optional.refresh()
    assert len(optional.records["reservations"]) == 3
