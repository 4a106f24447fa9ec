"""The text of squeue or scontrol that each published field of a job has to equal."""

from __future__ import annotations

import re
from typing import Any, Final

from slurm_rest_api.slurmapi.contract.job import JobRecord
from tests.releases.tables import Expected, Facts, read_table
from tests.releases.texts import clock, epoch, exit_code, gres, mib, number, number_or_0, seconds, split, word
from tests.testbed.cluster import Cluster
from tests.testbed.truth import parse_record

_COLUMNS: Final = (
    "Account", "AccrueTime", "AllocNodes", "AllocSID", "ArrayJobID", "ArrayTaskID", "BatchFlag", "BatchHost",
    "BoardsPerNode", "BurstBuffer", "BurstBufferState", "Cluster", "ClusterFeature", "Contiguous", "Cores", "CoreSpec",
    "cpus-per-task", "cpus-per-tres", "Deadline", "DelayBoot", "Dependency", "DerivedEC", "EligibleTime", "EndTime",
    "exit_code", "Feature", "GroupID", "GroupName", "HetJobID", "HetJobIDSet", "HetJobOffset", "LastSchedEval",
    "Licenses", "mem-per-tres", "MCSLabel", "MinCPUs", "MinMemory", "MinTime", "MinTmpDisk", "Nice",
    "NodeList", "NTPerBoard", "NTPerCore", "NTPerNode", "NTPerSocket", "NumCPUs", "NumNodes", "NumTasks", "Origin",
    "OverSubscribe", "Partition", "PreemptTime", "Prefer", "PriorityLong", "QOS", "Reason", "Reboot", "ReqNodes",
    "ReqSwitch", "Requeue", "Reservation", "ResizeTime", "RestartCnt", "SchedNodes", "SiblingsActive", "SiblingsViable",
    "Sockets", "SPerBoard", "StartTime", "State", "SubmitTime", "Threads", "TimeLimit", "TimeUsed", "tres-alloc",
    "tres-bind", "tres-freq", "tres-per-job", "tres-per-node", "tres-per-socket", "tres-per-task", "UserID", "UserName",
    "Wait4Switch", "WCKey",
)  # fmt: skip
_KEYS: Final = (
    "ArrayTaskThrottle", "Command", "Comment", "ExcNodeList", "Exclusive", "KillOInInvalidDependent",
    "KillOnInvalidDependent", "MinMemoryCPU",
    "MinMemoryNode", "Network", "SecsPreSuspend", "StdErr", "StdIn", "StdOut", "SuspendTime", "WorkDir",
)  # fmt: skip
_FROM_SCONTROL: Final = (
    "array_max_tasks", "array_task_throttle", "command", "comment", "cpus_alloc_layout", "cpus_allocated", "exc_nodes",
    "kill_on_invalid_dependent", "mem_allocated", "mem_per_cpu", "mem_per_node", "min_memory_cpu", "min_memory_node",
    "network", "pre_sus_time", "shared", "std_err", "std_in", "std_out", "suspend_time", "work_dir",
)  # fmt: skip
HOLDING: Final = ("RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING")


# A job may be called "x\nJobId=1 UserId=…": the line that its name makes has no name of its own.
_RECORD: Final = re.compile(r"JobId=(\d+) (?:(?:Array|Het)\w+=\S+ )*JobName=.* JobState=")


def _array_limit(facts: Facts) -> int | None:
    _, _, limit = facts["ArrayTaskID"].partition("%")
    return int(limit) if limit else number(facts["scontrol ArrayTaskThrottle"])


def _in_array(facts: Facts) -> bool:
    return facts["ArrayTaskID"] != "N/A"


def _task(facts: Facts) -> int | None:
    return int(facts["ArrayTaskID"]) if facts["ArrayTaskID"].isdigit() else None


def _tasks(facts: Facts) -> str | None:
    return facts["ArrayTaskID"] if _in_array(facts) and _task(facts) is None else None


def _minutes(text: str) -> int | str:
    return seconds(text) // 60 if text[:1].isdigit() else text


def _state_reason(facts: Facts) -> str:
    return facts["Reason"].replace(" ", "_")


def _gres(facts: Facts) -> list[str]:
    """Requested GRES for each node without the prefix, which is `gres:` until 22.05 and `gres/` since."""
    return gres(",".join(entry[5:] for entry in split(facts["tres-per-node"])))


def _least_memory(facts: Facts) -> int:
    """Returns the MiB that were requested for a CPU or a node. 22.05 prints a default with --mem-per-gpu."""
    return 0 if _per_gpu(facts) else mib(facts["MinMemory"])


def _holds(facts: Facts) -> bool:
    return facts["State"] in HOLDING


def _started(facts: Facts) -> bool:
    return facts["State"] != "PENDING" and bool(facts["NodeList"])


def _per_cpu(facts: Facts) -> int | None:
    text = facts["scontrol MinMemoryCPU"]
    return mib(text) if text and not _per_gpu(facts) else None


def _per_node(facts: Facts) -> int | None:
    text = facts["scontrol MinMemoryNode"]
    return mib(text) if text and not _per_gpu(facts) else None


def _per_gpu(facts: Facts) -> bool:
    return word(facts["mem-per-tres"]) is not None


def _licenses(facts: Facts) -> dict[str, Any]:
    return {name: int(count) for name, _, count in (entry.partition(":") for entry in split(facts["Licenses"]))}


def _shared(facts: Facts) -> str:
    """Returns the sharing of nodes: `Exclusive` of scontrol, or what squeue prints in its place in older releases."""
    if facts["scontrol Exclusive"]:
        return {"NODE": "0", "USER": "USER"}.get(facts["scontrol Exclusive"], "OK")
    return {"NO": "0", "YES": "1", "USER": "USER"}.get(facts["OverSubscribe"], "OK")


def _kill_on_invalid(facts: Facts) -> str | None:
    """Returns the flag. Until 24.11 scontrol writes its key with another spelling."""
    return word(facts["scontrol KillOInInvalidDependent"] or facts["scontrol KillOnInvalidDependent"])


def _tasks_or_1(facts: Facts) -> int:
    """Returns the number of tasks. squeue prints 0 or NO_VAL for a job that never was scheduled."""
    return 1 if facts["NumTasks"] in ("0", "4294967294") else int(facts["NumTasks"])


def _terms(text: str) -> list[str]:
    """`a[1,3],b` has two terms."""
    terms, depth = [""], 0
    for letter in word(text) or "":
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and not depth:
            terms.append("")
        else:
            terms[-1] += letter
    return [term for term in terms if term]


EXPECTED: Final[dict[str, Expected]] = {
    "cluster": lambda facts: facts["Cluster"],
    "user_id": lambda facts: int(facts["UserID"]),
    "user_name": lambda facts: facts["UserName"],
    "group_id": lambda facts: int(facts["GroupID"]),
    "group_name": lambda facts: facts["GroupName"],
    "account": lambda facts: word(facts["Account"]),
    "partition": lambda facts: facts["Partition"],
    "qos": lambda facts: word(facts["QOS"]),
    "wckey": lambda facts: word(facts["WCKey"]),
    "resv_name": lambda facts: word(facts["Reservation"]),
    "mcs_label": lambda facts: word(facts["MCSLabel"]),
    "alloc_node": lambda facts: word(facts["AllocNodes"]),
    "alloc_sid": lambda facts: int(facts["AllocSID"]),
    "array_job_id": lambda facts: int(facts["ArrayJobID"]) if _in_array(facts) else None,
    "array_task_id": _task,
    "array_task_str": _tasks,
    "array_max_tasks": _array_limit,
    "array_task_throttle": _array_limit,
    "het_job_id": lambda facts: number(facts["HetJobID"]),
    "het_job_offset": lambda facts: number(facts["HetJobOffset"]),
    "het_job_id_set": lambda facts: word(facts["HetJobIDSet"]),
    "pack_job_id": lambda facts: number(facts["HetJobID"]),
    "pack_job_offset": lambda facts: number(facts["HetJobOffset"]),
    "pack_job_id_set": lambda facts: word(facts["HetJobIDSet"]),
    "fed_origin": lambda facts: word(facts["Origin"]),
    "fed_viable_siblings": lambda facts: word(facts["SiblingsViable"]),
    "fed_active_siblings": lambda facts: word(facts["SiblingsActive"]),
    "job_state": lambda facts: facts["State"],
    "state_reason": _state_reason,
    "priority": lambda facts: int(facts["PriorityLong"]),
    "nice": lambda facts: int(facts["Nice"]),
    "requeue": lambda facts: facts["Requeue"] == "1",
    "restart_cnt": lambda facts: int(facts["RestartCnt"]),
    "reboot": lambda facts: int(facts["Reboot"]),
    "batch_flag": lambda facts: int(facts["BatchFlag"]),
    "exit_code": lambda facts: exit_code(facts["exit_code"]),
    "derived_ec": lambda facts: exit_code(facts["DerivedEC"]),
    "dependency": lambda facts: word(facts["Dependency"]),
    "submit_time": lambda facts: epoch(facts["SubmitTime"]),
    "eligible_time": lambda facts: epoch(facts["EligibleTime"]),
    "accrue_time": lambda facts: word(facts["AccrueTime"]) or "Unknown",
    "start_time": lambda facts: epoch(facts["StartTime"]),
    "resize_time": lambda facts: epoch(facts["ResizeTime"]),
    "last_sched_eval": lambda facts: word(facts["LastSchedEval"]) or "Unknown",
    "preempt_time": lambda facts: epoch(facts["PreemptTime"]) or None,
    "deadline": lambda facts: epoch(facts["Deadline"]) or None,
    "run_time": lambda facts: seconds(facts["TimeUsed"]),
    "run_time_str": lambda facts: clock(facts["TimeUsed"]),
    "time_limit": lambda facts: _minutes(facts["TimeLimit"]),
    "time_limit_str": lambda facts: clock(facts["TimeLimit"]),
    "time_min": lambda facts: seconds(facts["MinTime"]) // 60,
    "delay_boot_time": lambda facts: seconds(facts["DelayBoot"]) or None,
    "nodes": lambda facts: word(facts["NodeList"]),
    "batch_host": lambda facts: word(facts["BatchHost"]),
    "sched_nodes": lambda facts: word(facts["SchedNodes"]),
    "tres_alloc_str": lambda facts: word(facts["tres-alloc"]) if _started(facts) else None,
    "num_cpus": lambda facts: int(facts["NumCPUs"]),
    "num_nodes": lambda facts: int(facts["NumNodes"]),
    "num_tasks": _tasks_or_1,
    "cpus_per_task": lambda facts: None if word(facts["cpus-per-tres"]) else number(facts["cpus-per-task"]),
    "cpus_per_tres": lambda facts: word(facts["cpus-per-tres"]),
    "pn_min_cpus": lambda facts: int(facts["MinCPUs"]),
    "boards_per_node": lambda facts: number_or_0(facts["BoardsPerNode"]),
    "sockets_per_board": lambda facts: number_or_0(facts["SPerBoard"]),
    "sockets_per_node": lambda facts: number(facts["Sockets"]),
    "cores_per_socket": lambda facts: number(facts["Cores"]),
    "threads_per_core": lambda facts: number(facts["Threads"]),
    "ntasks_per_node": lambda facts: number_or_0(facts["NTPerNode"]),
    "ntasks_per_board": lambda facts: number_or_0(facts["NTPerBoard"]),
    "core_spec": lambda facts: number(facts["CoreSpec"]),
    "contiguous": lambda facts: facts["Contiguous"] == "1",
    "features": lambda facts: split(facts["Feature"]),
    "preferred_features": lambda facts: split(facts["Prefer"]),
    "cluster_features": lambda facts: word(facts["ClusterFeature"]),
    "req_nodes": lambda facts: _terms(facts["ReqNodes"]),
    "req_switch": lambda facts: int(facts["ReqSwitch"]),
    "wait4switch": lambda facts: seconds(facts["Wait4Switch"]),
    "pn_min_memory": _least_memory,
    "mem_per_tres": lambda facts: word(facts["mem-per-tres"]),
    "pn_min_tmp_disk": lambda facts: mib(facts["MinTmpDisk"]),
    "gres": _gres,
    "tres_per_job": lambda facts: word(facts["tres-per-job"]),
    "tres_per_node": lambda facts: word(facts["tres-per-node"]),
    "tres_per_socket": lambda facts: word(facts["tres-per-socket"]),
    "tres_per_task": lambda facts: word(facts["tres-per-task"]),
    "tres_bind": lambda facts: word(facts["tres-bind"]),
    "tres_freq": lambda facts: word(facts["tres-freq"]),
    "licenses": _licenses,
    "burst_buffer": lambda facts: word(facts["BurstBuffer"]),
    "burst_buffer_state": lambda facts: word(facts["BurstBufferState"]),
    # From here on squeue has no column. scontrol names these before any text of a user but the job's name, and the
    # jobs that are compared have quiet names.
    "exc_nodes": lambda facts: _terms(facts["scontrol ExcNodeList"]),
    "suspend_time": lambda facts: epoch(facts["scontrol SuspendTime"]),
    "pre_sus_time": lambda facts: int(facts["scontrol SecsPreSuspend"]),
    "min_memory_cpu": _per_cpu,
    "min_memory_node": _per_node,
    "mem_per_cpu": lambda facts: _per_cpu(facts) is not None,
    "mem_per_node": lambda facts: _per_cpu(facts) is None and not _per_gpu(facts),
    "kill_on_invalid_dependent": _kill_on_invalid,
    "work_dir": lambda facts: facts["scontrol WorkDir"],
    "std_in": lambda facts: facts["scontrol StdIn"],
    "std_out": lambda facts: facts["scontrol StdOut"],
    # Since 25.11 empty if it is that of the output.
    "std_err": lambda facts: facts["scontrol StdErr"] or facts["scontrol StdOut"],
    "shared": _shared,
    "command": lambda facts: word(facts["scontrol Command"]),
    "network": lambda facts: word(facts["scontrol Network"]),
    "comment": lambda facts: word(facts["scontrol Comment"]),
    "cpus_allocated": lambda facts: {node: len(ids) for node, ids, _ in _layout(facts)},
    "cpus_alloc_layout": lambda facts: {node: ids for node, ids, _ in _layout(facts)},
    "mem_allocated": lambda facts: {node: memory for node, _, memory in _layout(facts)},
}  # fmt: skip
MOVING: Final = frozenset({"run_time", "run_time_str", "start_time", "priority", "last_sched_eval"})
"""Fields that change by themselves: a waiting job's start is an estimate."""
ELSEWHERE: Final = {
    "job_id": "it is the key",
    "name": "compared with what was submitted",
    "assoc_id": "null with this source",
    "max_nodes": "squeue prints the number of nodes if it is larger",
    "end_time": "compared with squeue, where an unlimited job has none",
    "failed_node": "no program prints it",
    "preempt_eligible_time": "printed only where it is set",
    "elapsed_cpu_time": "computed from num_cpus and run_time",
    "run_time_remaining": "computed from time_limit and run_time",
    "memory": "computed from the request",
    "gres_allocated": "compared with what was submitted",
    "licenses_allocated": "compared with what was submitted",
    "tres_req_str": "printed only by some releases",
    "billable_tres": "compared with the TRES text",
    "reserved_ports": "printed only where it is set",
    "kill_step_when_oom": "printed only by some releases",
    "ntasks_per_core": "squeue prints N/A both for unset and for unlimited",
    "ntasks_per_core_str": "as ntasks_per_core",
    "ntasks_per_socket": "as ntasks_per_core",
    "ntasks_per_socket_str": "as ntasks_per_core",
    "ntasks_per_gpu": "printed only where it is set",
    "batch_features": "printed only where it is set",
    "spread_job": "printed only where it is set",
    "segment_size": "printed only where it is set",
    "spread_segments": "printed only where it is set",
    "consolidate_segments": "printed only where it is set",
    "gres_enforce_bind": "printed only where it is set",
    "gres_tasks_per_sharing": "printed only where it is set",
    "profile": "a bit mask that is printed as words",
    "profile_types": "no job of the scene is profiled",
    "cpu_freq_gov": "printed only where it is set",
    "cpu_freq_min": "printed only where it is set",
    "cpu_freq_max": "printed only where it is set",
    "is_cronjob": "no job of the scene is one",
    "cronjob_time": "no job of the scene has one",
    "container": "no job of the scene has one",
    "container_id": "no job of the scene has one",
    "admin_comment": "compared with what was set",
    "system_comment": "no plugin writes one here",
    "extra": "not in every release",
    "selinux_context": "not in every release",
}
"""Fields that the tables above do not compare, and why."""


def _layout(facts: Facts) -> list[tuple[str, list[int], int]]:
    """Returns node, CPU ids and MiB of `Nodes=… CPU_IDs=… Mem=…`, for a job that holds nodes."""
    found = []
    for entry in facts["layout"].split() if _holds(facts) else []:
        node, ids, memory = entry.split("/")
        found.append((node, _ids(ids), int(memory)))
    return found


def _ids(text: str) -> list[int]:
    ids: list[int] = []
    for term in filter(None, text.split(",")):
        first, _, last = term.partition("-")
        ids += range(int(first), int(last or first) + 1)
    return ids


def fields_without_a_place() -> set[str]:
    """Returns the published fields that are neither compared nor excused."""
    return set(JobRecord.model_fields) - set(EXPECTED) - set(ELSEWHERE)


SQUEUE: Final = {field: expected for field, expected in EXPECTED.items() if field not in _FROM_SCONTROL}
"""The fields that squeue's table has, whatever a user wrote into names and comments."""


def read_jobs(cluster: Cluster, quiet: set[int]) -> dict[str, dict[str, str]]:
    """Returns the texts of each job by its id: squeue's columns, and for the `quiet` jobs scontrol's keys as well."""
    facts = read_table(cluster, ["squeue", "--all", "--states=all"], "JobID", _COLUMNS)
    for line in cluster.run(["scontrol", "-d", "-o", "-a", "show", "job"]).stdout.splitlines():
        found = _RECORD.match(line)
        if found and int(found[1]) in quiet and found[1] in facts:
            record = parse_record(line)
            facts[found[1]] |= {f"scontrol {key}": record.get(key, "") for key in _KEYS}
            facts[found[1]]["layout"] = _layout_text(cluster, line)
    return facts


def _layout_text(cluster: Cluster, line: str) -> str:
    entries = []
    for nodes, ids, memory in re.findall(r"Nodes=(\S+) CPU_IDs=(\S*) Mem=(\d+) GRES=", line):
        names = cluster.run(["scontrol", "show", "hostnames", nodes]).stdout.split() if "[" in nodes else [nodes]
        entries += [f"{node}/{ids}/{memory}" for node in names]
    return " ".join(entries)
