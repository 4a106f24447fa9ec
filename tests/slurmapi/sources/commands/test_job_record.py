"""One job of scontrol and squeue as a published record. The texts are those that Slurm printed."""

from __future__ import annotations

import time

import pytest

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_record import JobRecords
from slurm_rest_api.slurmapi.sources.commands.job_text import Release, parse_job
from tests.slurmapi.sources.commands.job_records import (
    PENDING_15_08,
    RUNNING_17_11,
    RUNNING_26_05,
    facts,
    of_26_05,
    record,
    subset,
)
from tests.slurmapi.sources.commands.printed_jobs import NAMES


def test_a_running_job_of_26_05() -> None:
    found = of_26_05({}, partition="high", account="physics", qos="normal")
    expected = {
        "job_id": 4,
        "name": "wrap",
        "cluster": "linux",
        "user_name": "alice",
        "account": "physics",
        "alloc_node": "localhost",
        "alloc_sid": 15179,
        "job_state": "RUNNING",
        "state_reason": "None",
        "run_time": 7,
        "run_time_str": "00:00:07",
        "run_time_remaining": 1793,
        "elapsed_cpu_time": 28,
        "time_limit": 30,
        "time_limit_str": "00:30:00",
        "submit_time": 1795714929,
        "start_time": 1795714929,
        "end_time": 1795716729,
        "accrue_time": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(1795714929)),
        "deadline": None,
        "num_cpus": 4,
        "num_nodes": 2,
        "num_tasks": 4,
        "max_nodes": None,
        "memory": 400,
        "min_memory_cpu": 100,
        "min_memory_node": None,
        "mem_per_cpu": True,
        "nodes": "rack[005-006]",
        "batch_host": "rack005",
        "cpus_allocated": {"rack005": 2, "rack006": 2},
        "cpus_alloc_layout": {"rack005": [0, 1], "rack006": [0, 1]},
        "mem_allocated": {"rack005": 200, "rack006": 200},
        "gres_allocated": {"rack005": {"gpu:tesla": 1}, "rack006": {"gpu:tesla": 1}},
        "gres": ["gpu:tesla:1"],
        "tres_per_node": "gres/gpu:tesla:1",
        "tres_req_str": "cpu=4,mem=400M,node=2,billing=4,gres/gpu=2",
        "tres_alloc_str": "cpu=4,mem=400M,node=2,billing=4,gres/gpu=2",
        "ntasks_per_core": None,
        "ntasks_per_core_str": "UNLIMITED",
        "ntasks_per_node": 0,
        "command": None,
        "work_dir": "/tmp",
        "std_out": "/tmp/slurm-4.out",
        "std_err": "/tmp/slurm-4.out",
        "std_in": "/dev/null",
        "comment": None,
    }
    assert subset(found, expected) == expected


def test_a_running_job_of_17_11() -> None:
    found = record(RUNNING_17_11, (17, 11), nodes="n[1-2]")
    expected = {
        "name": "a b=c",
        "comment": "x=y z",
        "account": None,
        "qos": None,
        "mcs_label": None,
        "resv_name": None,
        "run_time": 93784,
        "time_limit": "UNLIMITED",
        "time_limit_str": "UNLIMITED",
        "run_time_remaining": None,
        "end_time": None,
        "preempt_time": None,
        "tres_alloc_str": "cpu=2,mem=200M,node=2,billing=2",
        "tres_req_str": None,
        "gres": ["gpu:k80:1"],
        "gres_allocated": {"n1": {"gpu:k80": 1}, "n2": {"gpu:k80": 1}},
        "mem_allocated": {"n1": 100, "n2": 100},
        "cpus_allocated": {"n1": 1, "n2": 1},
        "accrue_time": "Unknown",
        "shared": "OK",
        "std_err": "/home/alice/slurm-7.out",
    }
    assert subset(found, expected) == expected


@pytest.mark.parametrize(("restarts", "requested"), [("0", "cpu=2,mem=200,node=2"), ("1", None)])
def test_a_job_that_waits_again_has_the_tres_that_it_had(restarts: str, requested: str | None) -> None:
    # scontrol of 22.05 and older prints tres_alloc_str in its place (src/api/job_info.c).
    text = PENDING_15_08.replace("Restarts=0", f"Restarts={restarts}").replace(" ArrayJobId=9 ArrayTaskId=2-9%4", "")
    found = record(text, (15, 8), state="PENDING", partition="main,long", user_id=2002, group_id=2002)
    assert (found["tres_req_str"], found["tres_alloc_str"]) == (requested, None)


@pytest.mark.parametrize(("nodes", "most"), [("2", 0), ("2-4", 4), ("2-4,6", 6), ("1,3,5,7", 7), ("1-12", 12)])
def test_the_most_nodes_of_a_range_or_a_list(nodes: str, most: int) -> None:
    # As `squeue -O MaxNodes` of 26.05 has them for `sbatch --nodes=2-4,6` and `--nodes=1-8:2`.
    text = PENDING_15_08.replace("NumNodes=2-4 ", f"NumNodes={nodes} ")
    found = record(text, (15, 8), state="PENDING", partition="main,long", user_id=2002, group_id=2002)
    assert found["max_nodes"] == most


def test_a_waiting_array_of_15_08() -> None:
    found = record(PENDING_15_08, (15, 8), state="PENDING", partition="main,long", user_id=2002, group_id=2002)
    expected = {
        "array_job_id": 9,
        "array_task_id": None,
        "array_task_str": "2-9%4",
        "array_max_tasks": 4,
        "array_task_throttle": 4,
        "wckey": "*",
        "nice": -5,
        "time_min": 5,
        "start_time": 0,
        "end_time": 0,
        "num_nodes": 2,
        "max_nodes": 4,
        "num_tasks": 1,
        "tres_req_str": "cpu=2,mem=200,node=2",
        "tres_alloc_str": None,
        "ntasks_per_node": 2,
        "ntasks_per_core": 1,
        "core_spec": 0x8002,
        "min_memory_node": 1536,
        "mem_per_node": True,
        "memory": 3072,
        "pn_min_tmp_disk": 10240,
        "features": ["bigmem", "fast"],
        "gres": ["gpu:2"],
        "resv_name": "maint",
        "req_nodes": ["n1"],
        "exc_nodes": ["n[2,4]", "m1"],
        "shared": "0",
        "contiguous": True,
        "licenses": {"matlab": 2},
        "std_out": "/home/bob/slurm-9_%a.out",
        "cpus_allocated": {},
    }
    assert subset(found, expected) == expected


@pytest.mark.parametrize(("printed", "expected"), [("128:0", "128:0"), ("137:0", "137:0"), ("0:9", "0:9")])
def test_exit_codes_are_those_of_scontrol(printed: str, expected: str) -> None:
    found = of_26_05({" ExitCode=0:0": f" ExitCode={printed}", "DerivedExitCode=0:0": f"DerivedExitCode={printed}"})
    assert (found["exit_code"], found["derived_ec"]) == (expected, expected)


def test_a_job_after_one_that_was_signalled_has_its_own_exit_code() -> None:
    records = JobRecords(NAMES, "linux")
    signalled = parse_job(RUNNING_26_05.replace(" ExitCode=0:0", " ExitCode=0:15"), (26, 5))
    assert records.record(signalled, facts())["exit_code"] == "0:15"
    assert records.record(parse_job(RUNNING_26_05, (26, 5)), facts())["exit_code"] == "0:0"


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("matlab:1;ansys:1", {"matlab": 1, "ansys": 1}),
        ("matlab:1,ansys:1", {"matlab": 1, "ansys": 1}),
        ("matlab:1|ansys:1", {"matlab|ansys": "1|1"}),
        ("(null)", {}),
    ],
)
def test_licenses(printed: str, expected: Record) -> None:
    assert of_26_05({"LicensesAlloc=(null)": f"LicensesAlloc={printed}"})["licenses_allocated"] == expected


def test_dependencies_are_complete() -> None:
    found = of_26_05({"Dependency=(null)": "Dependency=afterok:12(unfulfilled),singleton(unfulfilled)"})
    assert found["dependency"] == "afterok:12(unfulfilled),singleton(unfulfilled)"


def test_undecodable_bytes_are_replaced() -> None:
    text = RUNNING_26_05.encode().replace(b"JobName=wrap", b"JobName=f\xfcr").replace(b"StdOut=", b"StdOut=/\xfc")
    found = record(text.decode(errors="replace"))
    assert (found["name"], found["std_out"]) == ("f\ufffdr", "/\ufffd/tmp/slurm-4.out")


@pytest.mark.parametrize(
    ("printed", "limit", "text"),
    [
        ("Partition_Limit", "Partition_Limit", "Partition_Limit"),
        ("UNLIMITED", "UNLIMITED", "UNLIMITED"),
        ("2-00:30:00", 2910, "2-00:30:00"),
    ],
)
def test_time_limits(printed: str, limit: int | str, text: str) -> None:
    found = of_26_05({"TimeLimit=00:30:00": f"TimeLimit={printed}"})
    assert (found["time_limit"], found["time_limit_str"]) == (limit, text)


def test_a_running_job_without_a_limit_has_no_end() -> None:
    found = of_26_05({"TimeLimit=00:30:00": "TimeLimit=UNLIMITED", "EndTime=1795716729": "EndTime=Unknown"})
    assert (found["end_time"], found["run_time_remaining"]) == (None, None)


def test_optional_lines() -> None:
    lines = (
        "SegmentSize=4 SpreadSegments=Yes\n   Switches=1@00:05:00\n   BurstBuffer=#BB x\n"
        "   CPU_min_freq=Low CPU_max_freq=2400000 Governor=Performance\n"
        "   GresEnforceBind=No GresOneTaskPerSharing=Yes KillOnInvalidDependent=No SpreadJob=Yes\n   OOMKillStep=1\n"
        "   CpusPerTres=gres/gpu:4\n   TresBind=gres/gpu:closest\n   TresFreq=gpu:high\n"
        "   NtasksPerTRES=2\n   Container=/oci ContainerID=box\n   SELinuxContext=u:r\n   ResvPorts=12-14"
    )
    found = of_26_05({"TresPerNode=gres/gpu:tesla:1": lines})
    expected = {
        "segment_size": 4,
        "spread_segments": True,
        "consolidate_segments": False,
        "req_switch": 1,
        "wait4switch": 300,
        "burst_buffer": "#BB x",
        "cpu_freq_min": 0x80000001,
        "cpu_freq_max": 2400000,
        "cpu_freq_gov": 0x82000000,
        "gres_enforce_bind": "No",
        "gres_tasks_per_sharing": "one",
        "kill_on_invalid_dependent": "No",
        "spread_job": "Yes",
        "kill_step_when_oom": True,
        "cpus_per_tres": "gres/gpu:4",
        "tres_bind": "gres/gpu:closest",
        "tres_freq": "gpu:high",
        "ntasks_per_gpu": 2,
        "container": "/oci",
        "container_id": "box",
        "selinux_context": "u:r",
        "reserved_ports": "12-14",
    }
    assert subset(found, expected) == expected


def test_a_heterogeneous_job_and_a_cron_job() -> None:
    found = of_26_05(
        {
            "JobId=4 JobName": "JobId=4 HetJobId=4 HetJobOffset=0 JobName",
            "   UserId": "   HetJobIdSet=4-5\n   UserId",
            "Deadline=N/A": 'Deadline=1795716730\n   CronJob=Yes CrontabSpec="0 4 * * *"',
        }
    )
    expected = {
        "het_job_id": 4,
        "het_job_offset": 0,
        "het_job_id_set": "4-5",
        "pack_job_id": 4,
        "pack_job_id_set": "4-5",
        "is_cronjob": True,
        "cronjob_time": "0 4 * * *",
        "deadline": 1795716730,
    }
    assert subset(found, expected) == expected


def test_a_group_name_with_a_blank() -> None:
    job = parse_job(RUNNING_26_05.replace("GroupId=alice(2001)", "GroupId=domain users(2001)"), (26, 5))
    assert (job.fields["GroupId"], job.fields["MCS_label"]) == ("domain users(2001)", "N/A")


def test_a_job_of_select_linear_has_whole_nodes() -> None:
    text = RUNNING_26_05.replace("     Nodes=rack[005-006] CPU_IDs=0-1 Mem=200 GRES=gpu:tesla:1(IDX:0)\n", "")
    found = record(text, nodes="rack[005-006]")
    assert found["cpus_allocated"] == {"rack005": 2, "rack006": 2}


def test_a_line_of_a_later_release_is_ignored() -> None:
    job = parse_job(RUNNING_26_05 + "   NewThing=5 And=6\n", (26, 5))
    assert job.fields["TresPerNode"] == "gres/gpu:tesla:1"
    assert job.is_ambiguous


@pytest.mark.parametrize("release", [(24, 5), (24, 11), (25, 5)])
def test_the_empty_line_at_the_end_of_a_job_is_no_text(release: Release) -> None:
    lines = RUNNING_26_05[: RUNNING_26_05.index("   StdOut=")].splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith(("SLUID=", "SubmitLine=", "Power="))]
    text = "".join(kept) + "   StdOut=/dev/null\n   \n"

    assert parse_job(text, release).fields["StdOut"] == "/dev/null"


def test_a_job_that_an_older_slurmctld_started_has_no_sluid() -> None:
    assert of_26_05({"   SLUID=s1WNM8CF6N0N00\n": ""})["name"] == "wrap"
