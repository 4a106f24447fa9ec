"""Which field of `squeue --json` and of `scontrol show job -d` each published field of a job has to equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.cluster.comparison import Row, count, known, known_not_zero, limit, split, word
from tests.testbed.cluster import Cluster
from tests.testbed.truth import parse_record

Facts = dict[str, Any]

_LAYOUT = re.compile(r"Nodes=(\S+) CPU_IDs=(\S*) Mem=(\d+) GRES=(\S*)")
_GRES = re.compile(r"([^,(]+):(\d+)(?:\([^)]*\))?,?")


def _clock_seconds(text: str) -> int:
    days, _, clock = text.rpartition("-")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _moment(text: str) -> str:
    return "Unknown" if text in ("Unknown", "None", "N/A") else text


def _licenses(text: str) -> dict[str, int]:
    counts = (item.split(":") for item in text.replace(";", ",").split(",") if item)
    return {name: int(number) for name, number in counts}


def _terms(hostlist: str) -> list[str]:
    """`a[1,3],b` is two terms."""
    return re.findall(r"[^,\[]+(?:\[[^\]]*\][^,\[]*)*", word(hostlist) or "")


def _gres(text: str) -> list[str]:
    return [item.removeprefix("gres/") for item in split(text)]


def _kill_on_invalid(flags: list[str]) -> str | None:
    if "KILL_INVALID_DEPENDENCY" in flags:
        return "Yes"
    return "No" if "NO_KILL_INVALID_DEPENDENCY" in flags else None


def _end(job: Facts) -> int | None:
    """scontrol prints `Unknown` for a running job without a time limit; the JSON has a year."""
    return None if job["time_limit"]["infinite"] and job["job_state"] == ["RUNNING"] else count(job["end_time"])


def _unlimited(text: str) -> str:
    return "UNLIMITED" if text == "*" else text


def _core_or_task_limit(value: Mapping[str, Any]) -> int | None:
    return None if value["infinite"] else count(value)


JSON_ROWS = [
    Row("job_id", "job_id"),
    Row("name", "name"),
    Row("cluster", "cluster"),
    Row("user_id", "user_id"),
    Row("user_name", "user_name"),
    Row("group_id", "group_id"),
    Row("group_name", "group_name"),
    Row("account", "account", word),
    Row("assoc_id", "association_id"),
    Row("partition", "partition"),
    Row("qos", "qos"),
    Row("wckey", "wckey", word),
    Row("resv_name", "resv_name", word),
    Row("mcs_label", "mcs_label", word),
    Row("alloc_node", "allocating_node"),
    Row("container", "container", word),
    Row("container_id", "container_id", word),
    Row("cronjob_time", "cron", word),
    Row("is_cronjob", "cron", bool),
    Row("array_job_id", "array_job_id", known_not_zero),
    Row("array_task_id", "array_task_id", known),
    Row("array_task_str", "array_task_string", word),
    Row("array_max_tasks", "array_max_tasks", known_not_zero),
    Row("array_task_throttle", "array_max_tasks", known_not_zero),
    Row("het_job_id", "het_job_id", known_not_zero),
    Row("pack_job_id", "het_job_id", known_not_zero),
    Row("fed_origin", "federation_origin", word),
    Row("fed_viable_siblings", "federation_siblings_viable", word),
    Row("fed_active_siblings", "federation_siblings_active", word),
    Row("priority", "priority", count, moving=True),
    Row("nice", "nice"),
    Row("requeue", "requeue"),
    Row("restart_cnt", "restart_cnt"),
    Row("reboot", "reboot", int),
    Row("batch_flag", "batch_flag", int),
    Row("failed_node", "failed_node", word),
    Row("dependency", "dependency", word),
    Row("submit_time", "submit_time", count),
    Row("eligible_time", "eligible_time", count),
    Row("start_time", "start_time", count, moving=True),
    Row("end_time", "end_or_null", moving=True),
    Row("suspend_time", "suspend_time", count),
    Row("resize_time", "resize_time", count),
    Row("pre_sus_time", "pre_sus_time", count),
    Row("preempt_time", "preempt_time", known_not_zero),
    Row("deadline", "deadline", known_not_zero),
    Row("delay_boot_time", "delay_boot", known_not_zero),
    Row("time_limit", "time_limit", limit),
    Row("time_min", "time_minimum", count),
    Row("num_cpus", "cpus", count),
    Row("num_nodes", "node_count", count),
    Row("num_tasks", "tasks", lambda tasks: count(tasks) or 1),
    Row("max_nodes", "max_nodes", count),
    Row("cpus_per_task", "cpus_per_task", known),
    Row("pn_min_cpus", "minimum_cpus_per_node", count),
    Row("pn_min_tmp_disk", "minimum_tmp_disk_per_node", count),
    Row("sockets_per_board", "sockets_per_board"),
    Row("sockets_per_node", "sockets_per_node", known),
    Row("cores_per_socket", "cores_per_socket", known),
    Row("threads_per_core", "threads_per_core", known),
    Row("ntasks_per_core", "tasks_per_core", _core_or_task_limit),
    Row("ntasks_per_socket", "tasks_per_socket", _core_or_task_limit),
    Row("ntasks_per_node", "tasks_per_node", count),
    Row("ntasks_per_board", "tasks_per_board", count),
    Row("ntasks_per_gpu", "tasks_per_tres", known_not_zero),
    Row("contiguous", "contiguous"),
    Row("features", "features", split),
    Row("preferred_features", "prefer", split),
    Row("batch_features", "batch_features", word),
    Row("cluster_features", "cluster_features", word),
    Row("req_nodes", "required_nodes", _terms),
    Row("exc_nodes", "excluded_nodes", _terms),
    Row("req_switch", "required_switches"),
    Row("wait4switch", "maximum_switch_wait_time"),
    Row("segment_size", "segment_size", lambda size: size or None),
    Row("mem_per_cpu", "memory_per_cpu.set"),
    Row("mem_per_node", "memory_per_cpu.set", lambda per_cpu: not per_cpu),
    Row("mem_per_tres", "memory_per_tres", word),
    Row("cpus_per_tres", "cpus_per_tres", word),
    Row("tres_bind", "tres_bind", word),
    Row("tres_freq", "tres_freq", word),
    Row("het_job_id_set", "het_job_id_set", word),
    Row("pack_job_id_set", "het_job_id_set", word),
    Row("min_memory_cpu", "memory_per_cpu", known),
    Row("gres", "tres_per_node", _gres),
    Row("tres_per_node", "tres_per_node", word),
    Row("tres_req_str", "tres_req_str", word),
    Row("tres_alloc_str", "tres_alloc_str", word),
    Row("tres_per_job", "tres_per_job", word),
    Row("tres_per_socket", "tres_per_socket", word),
    Row("tres_per_task", "tres_per_task", word),
    Row("licenses", "licenses", _licenses),
    Row("licenses_allocated", "licenses_allocated", _licenses),
    Row("billable_tres", "billable_tres", lambda tres: float(tres["number"])),
    Row("burst_buffer", "burst_buffer", word),
    Row("burst_buffer_state", "burst_buffer_state", word),
    Row("network", "network", word),
    Row("cpu_freq_gov", "cpu_frequency_governor", known),
    Row("cpu_freq_min", "cpu_frequency_minimum", known),
    Row("cpu_freq_max", "cpu_frequency_maximum", known),
    Row("nodes", "nodes", word),
    Row("batch_host", "batch_host", word),
    Row("sched_nodes", "scheduled_nodes", word),
    Row("command", "command", word),
    Row("work_dir", "current_working_directory"),
    Row("std_in", "stdin_expanded", word),
    Row("std_out", "stdout_expanded", word),
    Row("comment", "comment", word),
    Row("admin_comment", "admin_comment", word),
    Row("system_comment", "system_comment", word),
    Row("extra", "extra", word),
    Row("selinux_context", "selinux_context", word),
    Row("kill_step_when_oom", "flags", lambda flags: "KILL_STEP_ON_OOM" in flags),
    Row("spread_job", "flags", lambda flags: "Yes" if "SPREAD_JOB" in flags else None),
    Row("kill_on_invalid_dependent", "flags", _kill_on_invalid),
]

TEXT_ROWS = [
    Row("job_state", "JobState"),
    Row("state_reason", "Reason"),
    Row("exit_code", "ExitCode"),
    Row("derived_ec", "DerivedExitCode"),
    Row("accrue_time", "AccrueTime", _moment),
    Row("last_sched_eval", "LastSchedEval", _moment, moving=True),
    Row("run_time_str", "RunTime", moving=True),
    Row("run_time", "RunTime", _clock_seconds, moving=True),
    Row("time_limit_str", "TimeLimit"),
    Row("alloc_sid", "AllocNode:Sid", lambda text: int(text.rpartition(":")[2])),
    Row("core_spec", "CoreSpec", lambda text: None if text == "*" else int(text)),
    Row("profile", "Profile", lambda text: 0 if text is None else text),
    Row("ntasks_per_core_str", "NtasksPerN:B:S:C", lambda text: _unlimited(text.split(":")[3])),
    Row("ntasks_per_socket_str", "NtasksPerN:B:S:C", lambda text: _unlimited(text.split(":")[2])),
    Row("shared", "Exclusive", lambda text: {"NODE": "0", "USER": "USER"}.get(text, "OK")),
    Row("pn_min_memory", "memory", int),
    Row("min_memory_node", "memory_per_node"),
    Row("cpus_allocated", "layout.cpus"),
    Row("cpus_alloc_layout", "layout.ids"),
    Row("mem_allocated", "layout.memory"),
    Row("gres_allocated", "layout.gres"),
]

NOT_TOLD = {
    "het_job_offset": "read beside het_job_id, which tells whether it means anything",
    "pack_job_offset": "as het_job_offset",
    "boards_per_node": "Slurm's commands do not print it",
    "spread_segments": "Slurm's commands print it only where it is set",
    "consolidate_segments": "Slurm's commands print it only where it is set",
    "gres_tasks_per_sharing": "Slurm's commands print it only where it is set",
    "gres_enforce_bind": "Slurm's commands print it only where it is set",
    "reserved_ports": "Slurm's commands print it only where it is set",
    "preempt_eligible_time": "Slurm's commands print it only where it is set",
    "profile_types": "the names of the bits of profile",
    "memory": "Slurm has no such field; a test of its own",
    "elapsed_cpu_time": "Slurm has no such field; a test of its own",
    "run_time_remaining": "Slurm has no such field; a test of its own",
    "std_err": "Slurm leaves it empty where it is std_out; a test of its own",
}
"""Published fields without a row above, and why."""


def read_jobs(cluster: Cluster) -> dict[str, tuple[Facts, Facts]]:
    """Every job by id: as `squeue --json` has it, and in the words of `scontrol show job -d`."""
    told = {str(job["job_id"]): {**job, "end_or_null": _end(job)} for job in cluster.squeue_json()}
    printed = cluster.run(["scontrol", "-o", "-d", "--all", "show", "job"]).stdout.splitlines()
    texts = {line.split()[0].removeprefix("JobId="): line for line in printed if line.startswith("JobId=")}
    return {job: (told[job], _text_facts(cluster, texts[job])) for job in told if job in texts}


def _text_facts(cluster: Cluster, line: str) -> Facts:
    facts: Facts = {"Profile": None, **parse_record(line)}
    memory = facts.get("MinMemoryCPU") or facts["MinMemoryNode"]
    facts["memory"] = memory.removesuffix("M")
    facts["memory_per_node"] = int(facts["MinMemoryNode"].removesuffix("M")) if "MinMemoryNode" in facts else None
    holds = facts["JobState"] in ("RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING")
    facts["layout"] = layout(cluster, line if holds else "")
    return facts


def layout(cluster: Cluster, text: str) -> dict[str, dict[str, Any]]:
    """The lines `Nodes=… CPU_IDs=… Mem=… GRES=…` of `scontrol show job -d`, by node."""
    found: dict[str, dict[str, Any]] = {"cpus": {}, "ids": {}, "memory": {}, "gres": {}}
    for nodes, cpu_ids, memory, gres in _LAYOUT.findall(text):
        for node in cluster.run(["scontrol", "show", "hostnames", nodes]).stdout.split() if "[" in nodes else [nodes]:
            found["ids"][node] = _numbers(cpu_ids)
            found["cpus"][node] = len(found["ids"][node])
            found["memory"][node] = int(memory)
            found["gres"][node] = {name: int(number) for name, number in _GRES.findall(gres)}
    return found


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for term in filter(None, text.split(",")):
        first, _, last = term.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers
