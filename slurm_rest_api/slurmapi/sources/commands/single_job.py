"""Reads a job whose text can be read in more than one way, by questions about this job alone.

scontrol prints a job as JSON since Slurm 23.02, which shows where each text ends. Older releases, and those built
without JSON, print the name alone (`squeue -o %j`), and the other texts of such a job are null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.commands.job_text import AmbiguousJob, JobText, Release, parse_job
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.rpcs import LAYOUT, SHOW_ONE_JOB, SQUEUE_ONE_JOB, Rpcs

JSON_SINCE: Final = (23, 2)
"""Release whose scontrol first has the option --json."""
_NAMES: Final = "%A\x1f%j\x1e"
_BORDER: Final = "\n   "
_END_OF_BLOCK: Final = "\n   Command="

_TEXTS: Final = {
    "Command": "command",
    "WorkDir": "current_working_directory",
    "AdminComment": "admin_comment",
    "SystemComment": "system_comment",
    "Comment": "comment",
    "Extra": "extra",
    "BurstBuffer": "burst_buffer",
    "BurstBufferState": "burst_buffer_state",
    "Container": "container",
    "ContainerID": "container_id",
    "SELinuxContext": "selinux_context",
    "Prefer": "prefer",
    "ClusterFeatures": "cluster_features",
    "Reservation": "resv_name",
    "CpusPerTres": "cpus_per_tres",
    "MemPerTres": "memory_per_tres",
    "TresBind": "tres_bind",
    "TresFreq": "tres_freq",
    "TresPerJob": "tres_per_job",
    "TresPerNode": "tres_per_node",
    "TresPerSocket": "tres_per_socket",
    "TresPerTask": "tres_per_task",
}
"""Keys of the text form by field of the JSON form, for texts."""

_FILES: Final = {"StdErr": "stderr_expanded", "StdIn": "stdin_expanded", "StdOut": "stdout_expanded"}
"""Paths. Releases before 24.11 print them with patterns such as `%j` alone, and they are left out."""

_FLAGS: Final = {
    "KILL_INVALID_DEPENDENCY": ("KillOnInvalidDependent", "Yes"),
    "NO_KILL_INVALID_DEPENDENCY": ("KillOnInvalidDependent", "No"),
    "ENFORCE_GRES_BINDING": ("GresEnforceBind", "Yes"),
    "GRES_DISABLE_BINDING": ("GresEnforceBind", "No"),
    "SPREAD_JOB": ("SpreadJob", "Yes"),
}


class SingleJobs:
    """Asks for single jobs.

    Args:
        programs: Slurm's commands.
        release: Release of the commands.
        rpcs: Counts the RPCs.
    """

    def __init__(self, programs: SlurmPrograms, release: Release, rpcs: Rpcs) -> None:
        self._programs = programs
        self._release = release
        self._rpcs = rpcs
        self._has_no_json = False

    def read(self, job_id: int) -> JobText | None:
        """Returns a job, None if it is gone or still can be read in more than one way.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        self._rpcs.add(SHOW_ONE_JOB)
        try:
            whole = self._programs.text("scontrol", "-d", "-a", "show", "job", str(job_id))
            self._rpcs.add(LAYOUT if " CPU_IDs=" in whole else 0)
            texts = self._json(job_id) if self._release >= JSON_SINCE else None
            name = self._name(job_id) if texts is None else str(texts.get("name") or "")
            if name is None:
                return None
        except ProgramFailed as error:
            if "Invalid job id" in error.message:
                return None
            raise
        block = _block(whole, job_id, name)
        if block is None:
            return None
        try:
            job = parse_job(block, self._release, is_whole=False)
        except AmbiguousJob:
            return None
        return job._replace(name=name, fields=job.fields | _fields(texts or {}))

    def _json(self, job_id: int) -> Mapping[str, Any] | None:
        """Returns a job in JSON, empty if it is not there. None if this scontrol was built without JSON."""
        if self._has_no_json:
            return None
        self._rpcs.add(SHOW_ONE_JOB)
        try:
            text = self._programs.text("scontrol", "-a", "show", "job", str(job_id), "--json")
        except ProgramFailed as error:
            if not error.is_without_json:
                raise
            self._has_no_json = True
            return None
        try:
            jobs = json.loads(text, strict=False)["jobs"]
            found: list[Mapping[str, Any]] = [job for job in jobs if job["job_id"] == job_id]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceUnavailable(
                f"slurmctld cannot be read: scontrol printed no JSON for job {job_id}. "
                f"Run `scontrol show job {job_id} --json` on this host to check."
            ) from error
        return found[0] if len(found) == 1 else {}

    def _name(self, job_id: int) -> str | None:
        """Returns the name of a job, None if squeue's lines can be read in more than one way.

        squeue prints all tasks for the id of an array, and all parts for the first one of a heterogeneous job.
        """
        self._rpcs.add(SQUEUE_ONE_JOB)
        text = self._programs.text("squeue", "-a", "-h", "-t", "all", "-j", str(job_id), "-o", _NAMES)
        own = f"{job_id}\x1f"
        names = [line.removeprefix(own) for line in f"{text}\n".split("\x1e\n") if line.startswith(own)]
        return names[0] if len(names) == 1 else None


def _block(whole: str, job_id: int, name: str) -> str | None:
    """Returns the text of a job up to the line of Command, without its name. None if it is not there exactly once.

    scontrol prints all tasks for the id of an array, so the job may be any of them.
    """
    start = f"JobId={job_id} "
    found = []
    for match in re.finditer(rf"(?:\A|\n\n){start}", whole):
        head, key, rest = whole[match.end() :].partition("JobName=")
        if key and "\n" not in head and rest.startswith(name + _BORDER):
            found.append(start + head + key + rest[len(name) :].partition(_END_OF_BLOCK)[0])
        if found and match.start() == 0:
            # Nothing that a user wrote comes before this.
            break
    return found[0] if len(found) == 1 else None


def _fields(job: Mapping[str, Any]) -> dict[str, str]:
    """Returns the texts and some flags of a job in JSON, by the keys of scontrol's text."""
    fields = {key: job[name] for key, name in _TEXTS.items() if isinstance(job.get(name), str) and job[name]}
    if job.get("batch_flag"):
        fields |= {key: job[name] for key, name in _FILES.items() if isinstance(job.get(name), str)}
    flags = job.get("flags")
    fields |= dict(_FLAGS[flag] for flag in flags or () if flag in _FLAGS)
    return fields
