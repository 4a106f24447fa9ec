"""Converts a job of scontrol and squeue to a published record.

Neither program prints these in a safe way, so they are null: `assoc_id`, `billable_tres`, `profile`, `max_nodes` of
a job that started, `profile_types`. Releases that lack a key leave its fields null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.allocation import AllocationFields, CoreLists, no_allocation
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_allocation import job_allocation
from slurm_rest_api.slurmapi.sources.commands.job_fields import SECTIONS, Fields, word_of_user
from slurm_rest_api.slurmapi.sources.commands.job_text import JobText
from slurm_rest_api.slurmapi.sources.commands.job_values import mebibytes, number, word
from slurm_rest_api.slurmapi.sources.commands.squeue import JobFacts
from slurm_rest_api.slurmapi.sources.formats import UNLIMITED, TimeTexts

UNSET_TASK: Final = "4294967294"
"""NO_VAL, which Slurm writes for `%a` in file names of a record for many array tasks."""

_CACHED: Final = 2000


class Section:
    """Converts one group of fields. Most jobs have the values of another job, so the results are cached.

    Args:
        convert: Returns the fields of the record for the fields of scontrol and the state.
        keys: The keys that `convert` reads, separated by blanks.
    """

    def __init__(self, convert: Callable[[Fields, str], Record], keys: str) -> None:
        self._convert = convert
        self._keys = keys.split(" ")
        self._cache: dict[tuple[str | None, ...], Record] = {}

    def values(self, f: Fields, state: str) -> Record:
        """Returns the fields of the record. Callers must not change them."""
        values = (state, *map(f.get, self._keys))
        found = self._cache.get(values)
        if found is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            own = {key: f[key] for key in self._keys if key in f}
            found = self._cache[values] = self._convert(own, state)
        return found


class JobRecords:
    """Makes the job records of one load.

    Args:
        names: Names of users and groups.
        cluster: Name of the cluster.
    """

    def __init__(self, names: UserNames, cluster: str | None) -> None:
        self._names = names
        self._cluster = cluster
        self.times = TimeTexts()
        """Texts of times."""
        self._cores = CoreLists()
        self._sections = [Section(convert, keys) for convert, keys in SECTIONS]

    def record(self, job: JobText, facts: JobFacts) -> Record:
        """Returns the record of a job. Its owner, state, partition, account, QOS and nodes are those of squeue."""
        record = self._owner(job, facts)
        for section in self._sections:
            record |= section.values(job.fields, facts.state)
        if "TRES" in job.fields and facts.nodes is None:
            # Until 22.05 one key has both. A job that was cancelled before it started has none but the request. For a
            # job that waits again scontrol prints what it had.
            waits_again = job.fields.get("Restarts", "0") != "0"
            record |= {"tres_req_str": None if waits_again else word(job.fields["TRES"]), "tres_alloc_str": None}
        record |= self._moments(job.fields, facts)
        record |= _texts(job.fields)
        record |= self._allocation(job, facts)
        return record

    def _owner(self, job: JobText, facts: JobFacts) -> Record:
        f = job.fields
        host, _, session = f.get("AllocNode:Sid", "").rpartition(":")
        return {
            "job_id": job.job_id,
            "name": word_of_user(job.name),
            "cluster": self._cluster,
            "user_id": facts.user_id,
            "user_name": self._names.user(facts.user_id),
            "group_id": facts.group_id,
            "group_name": self._names.group(facts.group_id),
            "account": facts.account,
            "assoc_id": None,
            "partition": facts.partition,
            "qos": facts.qos,
            "wckey": word(f.get("WCKey")),
            "resv_name": word(f.get("Reservation")),
            "mcs_label": word(f.get("MCS_label")),
            "alloc_node": word(host),
            "alloc_sid": number(session) or 0,
            "is_cronjob": f.get("CronJob") == "Yes",
            "cronjob_time": f["CrontabSpec"].strip('"') if "CrontabSpec" in f else None,
            "container": word(f.get("Container")),
            "container_id": word(f.get("ContainerID")),
            "nodes": facts.nodes,
        }

    def _moments(self, f: Fields, facts: JobFacts) -> Record:
        eligible = number(f.get("PreemptEligibleTime"))
        end = number(f.get("EndTime"))
        is_endless = f.get("TimeLimit") == UNLIMITED and holds_nodes(facts.state)
        return {
            "submit_time": number(f.get("SubmitTime")) or 0,
            "eligible_time": number(f.get("EligibleTime")) or 0,
            "accrue_time": self.times[number(f.get("AccrueTime"))],
            "start_time": number(f.get("StartTime")) or 0,
            "end_time": end or (None if is_endless else 0),
            "suspend_time": number(f.get("SuspendTime")) or 0,
            "resize_time": number(f.get("ResizeTime")) or 0,
            "last_sched_eval": self.times[number(f.get("LastSchedEval"))],
            "preempt_time": number(f.get("PreemptTime")),
            "preempt_eligible_time": self.times[eligible] if eligible else None,
            "deadline": number(f.get("Deadline")),
        }

    def _allocation(self, job: JobText, facts: JobFacts) -> AllocationFields:
        if not holds_nodes(facts.state):
            return no_allocation()
        f = job.fields
        memory = mebibytes(f.get("MinMemoryCPU")), mebibytes(f.get("MinMemoryNode"))
        cpus, gres = number(f.get("NumCPUs")) or 0, word(f.get("Gres"))
        return job_allocation(job.layout, facts.nodes, cpus, memory, self._cores, gres)


def _texts(f: Fields) -> Record:
    """Returns nodes, files and free texts."""
    output = _file(f, "StdOut")
    return {
        "batch_host": word(f.get("BatchHost")),
        "sched_nodes": word(f.get("SchedNodeList")),
        "command": word_of_user(f.get("Command")),
        "work_dir": word_of_user(f.get("WorkDir")),
        "std_in": _file(f, "StdIn"),
        "std_out": output,
        # Since 25.11 scontrol prints no path for a standard error that goes to standard output.
        "std_err": _file(f, "StdErr") or (output if "StdErr" in f else None),
        "comment": word_of_user(f.get("Comment")),
        "admin_comment": word_of_user(f.get("AdminComment")),
        "system_comment": word_of_user(f.get("SystemComment")),
        "extra": word_of_user(f.get("Extra")),
        "selinux_context": word_of_user(f.get("SELinuxContext")),
    }


def _file(f: Fields, key: str) -> str | None:
    path = word_of_user(f.get(key))
    task = f.get("ArrayTaskId", "0")
    is_for_many_tasks = task == UNSET_TASK or not task.isdecimal()
    return path.replace(UNSET_TASK, "%a") if path is not None and is_for_many_tasks else path
