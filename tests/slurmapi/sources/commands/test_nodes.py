"""Node records from the lines of scontrol: every field, and odd inputs of real clusters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import NodeRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.nodes import (
    NodeContext,
    ParsedNode,
    json_texts,
    node_lines,
    node_record,
)
from tests.builders import with_collected_fields
from tests.slurmapi.sources.commands.printed_nodes import node_line

TEXTS = ("reason", "comment", "extra")
STAMPED = ("reason", "reason_time", "reason_uid", "reason_user")


def uid_of(name: str) -> int:
    return {"root": 0, "alice": 2001}[name]


CONTEXT = NodeContext(UserNames(user_id=uid_of), cluster="testbed", slurmd_port=6818)


def parse(line: bytes) -> ParsedNode:
    parsed = node_record(line, CONTEXT)
    NodeRecord.model_validate(*with_collected_fields([parsed.record]))
    return parsed


def record(*args: Any, **changed: Any) -> Record:
    return parse(node_line(*args, **changed)).record


def test_every_field() -> None:
    assert record("fan broken", "rack 5 = row 1", NextState="DOWN") == {
        "name": "rack005",
        "cluster": "testbed",
        "state": "MIXED+DRAIN",
        "state_base": "MIXED",
        "state_flags": ["DRAIN"],
        "next_state": "DOWN",
        "reason": "fan broken",
        "reason_time": 1795713468,
        "reason_uid": 0,
        "reason_user": "root",
        "boot_time": 1795700002,
        "slurmd_start_time": 1795712990,
        "last_busy": 1795712991,
        "comment": "rack 5 = row 1",
        "extra": None,
        "cpus": 16,
        "effective_cpus": 16,
        "alloc_cpus": 6,
        "idle_cpus": 10,
        "err_cpus": 0,
        "cpu_load": 33,
        "real_memory": 32000,
        "alloc_mem": 400,
        "idle_mem": 31600,
        "free_mem": 13257,
        "mem_spec_limit": 0,
        "tmp_disk": 9000,
        "gres": ["gpu:tesla:2"],
        "gres_used": ["gpu:tesla:1"],
        "gres_drain": [],
        "tres_fmt_str": "cpu=16,mem=32000M,billing=16,gres/gpu=2",
        "alloc_tres_fmt_str": "cpu=6,mem=400M,gres/gpu=1",
        "energy": {
            "current_watts": 0,
            "ave_watts": 0,
            "base_watts": 0,
            "base_consumed_energy": 0,
            "consumed_energy": 0,
            "previous_consumed_energy": 0,
        },
        "power_mgmt": {"cap_watts": None},
        "arch": "x86_64",
        "os": "Linux 6.1.0-13-amd64 #1 SMP Debian 6.1.55-1",
        "version": "26.05.5",
        "node_addr": "10.0.0.5",
        "node_hostname": "host5",
        "bcast_address": None,
        "port": 17008,
        "boards": 1,
        "sockets": 2,
        "cores": 4,
        "cores_per_socket": 4,
        "threads": 2,
        "core_spec_cnt": 0,
        "cpu_spec_list": [],
        "cpu_bind": None,
        "features": "cpu,accelerated",
        "features_active": "cpu",
        "partitions": ["main", "high"],
        "owner": None,
        "mcs_label": None,
        "weight": 1,
    }


@pytest.mark.parametrize(
    ("gres", "published"),
    [
        ("gpu:4090:2", ["gpu:4090:2"]),
        ("gpu:tesla:2,bandwidth:lustre:no_consume:4G", ["gpu:tesla:2", "bandwidth:lustre:no_consume:4294967296"]),
        ("gpu:4,tmp:844G", ["gpu:4", "tmp:906238099456"]),
        ("gpu:h100:8(S:0-1)", ["gpu:h100:8"]),
        ("gpu:nvidia_a100_3g.20gb:2,shard:8(S:0)", ["gpu:nvidia_a100_3g.20gb:2", "shard:8"]),
        ("(null)", []),
    ],
)
def test_configured_gres(gres: str, published: list[str]) -> None:
    assert record(Gres=gres)["gres"] == published


@pytest.mark.parametrize(
    ("used", "published"),
    [
        ("gpu:tesla:2(IDX:0-1)", ["gpu:tesla:2"]),
        ("gpu:1(IDX:3)", ["gpu:1"]),
        ("gpu:tesla:0(IDX:N/A)", []),
        ("gpu:a100:4(IDX:0-3),shard:a100:5(0/8,5/8,0/8,0/8)", ["gpu:a100:4", "shard:a100:5"]),
        ("gpu:0,tmp:5G", ["tmp:5368709120"]),
    ],
)
def test_used_gres(used: str, published: list[str]) -> None:
    assert record(GresUsed=used)["gres_used"] == published


def test_used_gres_do_not_depend_on_the_tres_that_slurm_tracks() -> None:
    node = record(Gres="gpu:14", GresUsed="gpu:14(IDX:0-13)", AllocTRES="cpu=6,mem=400M")
    assert node["gres_used"] == ["gpu:14"]


@pytest.mark.parametrize(
    ("state", "published", "base", "flags"),
    [
        ("IDLE+FAIL", "IDLE+FAIL", "IDLE", ["FAIL"]),
        ("IDLE+MAINTENANCE", "IDLE+MAINTENANCE", "IDLE", ["MAINTENANCE"]),
        ("IDLE+RESERVED", "IDLE+RESERVED", "IDLE", ["RESERVED"]),
        ("IDLE+NOT_RESPONDING", "IDLE*", "IDLE", ["NOT_RESPONDING"]),
        ("IDLE+POWERED_DOWN", "IDLE+POWERED_DOWN", "IDLE", ["POWERED_DOWN"]),
        ("MIXED+FAIL", "MIXED+FAIL", "MIXED", ["FAIL"]),
        ("IDLE+CLOUD+POWERED_DOWN", "IDLE+CLOUD+POWERED_DOWN", "IDLE", ["CLOUD", "POWERED_DOWN"]),
        # Until 20.11: marks of sinfo, and POWER for what has the mark ~.
        ("IDLE*+CLOUD+POWER", "IDLE*+CLOUD+POWERED_DOWN", "IDLE", ["NOT_RESPONDING", "CLOUD", "POWERED_DOWN"]),
        ("ALLOCATED$", "ALLOCATED+MAINTENANCE", "ALLOCATED", ["MAINTENANCE"]),
        ("MAINT", "IDLE+MAINTENANCE", "IDLE", ["MAINTENANCE"]),
        ("DOWN*+DRAIN", "DOWN*+DRAIN", "DOWN", ["NOT_RESPONDING", "DRAIN"]),
    ],
)
def test_states(state: str, published: str, base: str, flags: list[str]) -> None:
    node = record(State=state)
    assert (node["state"], node["state_base"]) == (published, base)
    assert sorted(node["state_flags"]) == sorted(flags)


def test_reserved_cores_are_no_cpus_for_jobs() -> None:
    node = record(
        CPUAlloc="12", CPUEfctv="12", CPUTot="16", CfgTRES="cpu=12,mem=32000M", CoreSpecCount="2", CPUSpecList="12-15"
    )
    assert (node["cpus"], node["effective_cpus"], node["idle_cpus"]) == (16, 12, 0)
    assert node["tres_fmt_str"] == "cpu=12,mem=32000M"


@pytest.mark.parametrize(("allocated", "idle"), [("0", 31500), ("400", 31100), ("32000", 0)])
def test_reserved_memory_is_not_idle(allocated: str, idle: int) -> None:
    # sbatch of 26.05 refuses a job that asks for more than RealMemory without MemSpecLimit.
    node = record(AllocMem=allocated, MemSpecLimit="500")
    assert (node["real_memory"], node["mem_spec_limit"], node["idle_mem"]) == (32000, 500, idle)


@pytest.mark.parametrize(
    "reserved", [{"CoreSpecCount": "2"}, {"CoreSpecCount": "2", "CPUSpecList": "4,6,12-13"}, {"CPUSpecList": "12-15"}]
)
def test_reserved_cores_before_22_05(reserved: dict[str, str]) -> None:
    node = record(CPUAlloc="12", CPUEfctv=None, **reserved)
    assert (node["cpus"], node["effective_cpus"], node["idle_cpus"]) == (16, 12, 0)


@pytest.mark.parametrize("state", ["IDLE+CLOUD+POWERED_DOWN", "FUTURE", "UNKNOWN"])
def test_a_node_without_a_reason_has_no_user(state: str) -> None:
    node = parse(node_line(State=state, FreeMem="N/A", CPULoad="42949672.94", BootTime="None")).record
    assert [node[name] for name in STAMPED] == [None] * 4
    assert (node["free_mem"], node["cpu_load"], node["boot_time"]) == (None, None, 0)


def test_a_reason_that_is_not_utf_8() -> None:
    line = node_line("f?r").replace(b"f?r", b"f\xfcr")
    assert parse(line).record["reason"] == "f\ufffdr"


def test_a_reason_of_slurm_conf_has_no_user_and_time() -> None:
    node = record("bad board", time=None)
    assert [node[name] for name in STAMPED] == ["bad board", None, None, None]


def test_a_reason_of_several_lines() -> None:
    node = record("first\nsecond\nthird", user="alice")
    assert [node[name] for name in STAMPED] == ["first\nsecond\nthird", 1795713468, 2001, "alice"]
    # The last line may contain ` Comment=`.
    parsed = parse(node_line("first\nsecond", "a comment"))
    assert parsed.doubtful == {"Reason", "Comment"}
    assert (parsed.record["reason"], parsed.record["comment"]) == (None, None)


@pytest.mark.parametrize(
    "reason",
    [
        "State=IDLE",
        "x State=IDLE CPUAlloc=0 Gres=gpu:100",
        "old [root@1]",
        "[root@1] [root@2]",
        "a=b c = d ",
        "NodeName=rack001",
        "x\r\x0b\x85 y",
    ],
)
def test_a_reason_that_looks_like_keys(reason: str) -> None:
    parsed = parse(node_line(reason, "c"))
    assert parsed.record == record("fan", "c") | {"reason": reason}
    assert not parsed.doubtful


def test_a_reason_that_can_be_read_in_two_ways_is_null() -> None:
    parsed = parse(node_line("x [root@1] Comment=evil", "c"))
    assert parsed.doubtful == {"Reason", "Comment"}
    assert parsed.record == record()
    # A comment may contain ` Extra=`.
    parsed = parse(node_line("fan", "c", "e"))
    assert parsed.doubtful == {"Comment", "Extra"}
    assert parsed.record == record("fan")
    # The text has a stamp of its own where a second line could begin.
    parsed = parse(node_line("x [alice@1]        y"))
    assert [parsed.record[name] for name in STAMPED] == [None] * 4
    assert parsed.doubtful == {"Reason"}


def test_a_release_without_a_key_has_it_in_texts_only() -> None:
    old = NodeContext(CONTEXT.names, "testbed", 6818, release=(17, 11))
    node = node_record(node_line("first\nsecond Comment=evil Extra=x"), old)
    assert (node.record["reason"], node.record["comment"]) == ("first\nsecond Comment=evil Extra=x", None)
    node = node_record(node_line(comment="c Topology=x"), NodeContext(CONTEXT.names, release=(22, 5)))
    assert node.record["comment"] == "c Topology=x"


def test_20_11_prints_a_comment_for_every_node() -> None:
    context = NodeContext(CONTEXT.names, release=(20, 11))
    node = node_record(node_line("first\nsecond", "(null)"), context)
    assert (node.record["reason"], node.record["comment"], node.doubtful) == ("first\nsecond", None, frozenset())
    assert node_record(node_line(comment="c"), context).record["comment"] == "c"


def test_doubtful_texts_come_from_json() -> None:
    node = {
        "reason": "x [root@1] Comment=evil",
        "reason_changed_at": {"set": True, "infinite": False, "number": 1795713468},
        "reason_set_by_user": "alice",
        "comment": "c",
        "extra": "",
    }
    assert json_texts(json.dumps({"nodes": [node]}), CONTEXT.names) == {
        "reason": "x [root@1] Comment=evil",
        "reason_time": 1795713468,
        "reason_uid": 2001,
        "reason_user": "alice",
        "comment": "c",
        "extra": None,
    }
    # Some releases print the number alone.
    assert json_texts(json.dumps({"nodes": [node | {"reason_changed_at": 5}]}), CONTEXT.names)["reason_time"] == 5
    with pytest.raises(ValueError, match="one node"):
        json_texts('{"nodes": []}', CONTEXT.names)


def test_features_with_blanks() -> None:
    node = record(AvailableFeatures="a b Gres=gpu:9 CurrentWatts=0 AveWatts=0", ActiveFeatures="a b")
    assert (node["features"], node["features_active"]) == ("a b Gres=gpu:9 CurrentWatts=0 AveWatts=0", "a b")
    assert node["gres"] == ["gpu:tesla:2"]
    node = record(AvailableFeatures="a b Gres=gpu:9 ActiveFeatures=c", ActiveFeatures="a b")
    assert (node["features"], node["features_active"]) == (None, None)
    assert node["gres"] == ["gpu:tesla:2"]


def test_a_comment_that_has_all_keys_of_a_node() -> None:
    comment = "x " + node_line("fan", "c").decode()
    assert record(comment=comment) == record() | {"comment": comment}


def test_an_owner_with_blanks() -> None:
    assert record(Owner="DOMAIN\\first last(2001) ")["owner"] == 2001


def test_keys_of_later_releases_are_ignored() -> None:
    line = node_line("fan", "c").replace(b" Sockets=2", b" Sleds=5 Sockets=2").replace(b" Reason=", b" Fans=4 Reason=")
    assert parse(line).record == record("fan", "c")


def test_the_port_of_slurm_conf_is_not_printed() -> None:
    assert record(Port=None)["port"] == 6818
    context = NodeContext(CONTEXT.names)
    assert node_record(node_line(Port=None), context).record["port"] is None


def test_a_comment_with_a_newline_belongs_to_its_node() -> None:
    lines = [*node_line(comment="a\nNodeName=evil State=IDLE\n\nb").split(b"\n"), node_line(NodeName="rack006")]
    joined = list(node_lines([b"No such line", *lines]))
    assert [parse(line).record["name"] for line in joined] == ["rack005", "rack006"]
    assert parse(joined[0]).record["comment"] == "a\nNodeName=evil State=IDLE\n\nb"


@pytest.mark.parametrize("line", [b"", b"Node evil not found", b"NodeName=a", b"x NodeName=a", node_line()[:90]])
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        node_record(line, CONTEXT)
