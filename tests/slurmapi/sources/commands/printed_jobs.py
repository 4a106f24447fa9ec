"""Prints jobs as Slurm's commands do, and stands in for these commands.

The forms are those of _sprint_job_info() of src/scontrol/info_job.c of Slurm 26.05, and of slurm_sprint_job_info() of
src/api/job_info.c of 17.11. Texts are bytes, because a user may write any bytes.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.jobs import JobLoad
from slurm_rest_api.slurmapi.sources.commands.programs import SECONDS, ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from slurm_rest_api.slurmapi.sources.commands.rpcs import Rpcs

NAMES = UserNames({2001: "alice", 2002: "bob", 0: "root"}.__getitem__, {2001: "staff", 0: "root"}.__getitem__)

TEXT_KEYS = ("AdminComment", "SystemComment", "Comment", "Extra")
BATCH_KEYS = ("StdErr", "StdIn", "StdOut")
LAST_KEYS = ("OOMKillStep", "TresPerJob", "TresPerNode", "TresPerTask")

# Types of `squeue -O` by scontrol's key, and titles that are not the type in capital letters.
_TYPES = {
    "admin_comment": "AdminComment",
    "system_comment": "SystemComment",
    "tres-per-job": "TresPerJob",
    "tres-per-node": "TresPerNode",
    "tres-per-task": "TresPerTask",
}
_TITLES = {"WorkDir": b"WORK_DIR", "Feature": b"FEATURES"}


@dataclass(frozen=True)
class PrintedJob:
    """A batch job. `texts` has what a user wrote, by scontrol's key; `tail` other lines at the end."""

    job_id: int
    name: bytes = b"run"
    user: int = 2001
    group: int = 2001
    state: str = "PENDING"
    partition: str = "main"
    account: str = "physics"
    nodes: str = ""
    head: str = ""
    texts: dict[str, bytes] = field(default_factory=dict)
    layout: tuple[str, ...] = ()
    priority: int = 2000
    num_cpus: int = 2
    features: bytes = b"(null)"
    dependency: str = "(null)"
    run_time: str = "00:00:00"

    def lines(self, mark: bytes = b"") -> list[bytes]:
        """Returns the lines without their separators. `mark` follows each time."""
        texts = {"Command": b"/bin/run.sh", "SubmitLine": b"sbatch run.sh", "WorkDir": b"/tmp"} | self.texts
        files = {"StdErr": b"", "StdIn": b"/dev/null", "StdOut": b"/tmp/slurm.out"} | {
            key: value for key, value in self.texts.items() if key in BATCH_KEYS
        }
        lines = [
            f"JobId={self.job_id} {self.head}JobName=".encode() + self.name,
            f"SLUID=s1WNM8CEB3E{self.job_id}".encode(),
            f"UserId=alice({self.user}) GroupId=staff({self.group}) MCS_label=N/A".encode(),
            f"Priority={self.priority} Nice=0 Account={self.account} QOS=normal".encode(),
            f"JobState={self.state} Reason=None Dependency={self.dependency}".encode(),
            b"Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0",
            b"DerivedExitCode=0:0",
            f"RunTime={self.run_time} TimeLimit=01:00:00 TimeMin=N/A".encode(),
            b"SubmitTime=1795714026%b EligibleTime=1796491626%b" % (mark, mark),
            b"AccrueTime=Unknown",
            b"StartTime=1796491626%b EndTime=1796495226%b Deadline=N/A" % (mark, mark),
            b"SuspendTime=None SecsPreSuspend=0 LastSchedEval=1795714026%b Scheduler=Main" % mark,
            f"Partition={self.partition} AllocNode:Sid=localhost:4450".encode(),
            b"ReqNodeList=(null) ExcNodeList=(null)",
            f"NodeList={self.nodes}".encode(),
            f"NumNodes=1 NumCPUs={self.num_cpus} NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:*".encode(),
            b"ReqTRES=cpu=1,mem=100M,node=1,billing=1",
            b"AllocTRES=(null)",
            b"Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*",
        ]
        if self.layout:
            lines += [b"JOB_GRES=gpu:1", *(f"  {line}".encode() for line in self.layout)]
        lines += [
            b"MinCPUsNode=1 MinMemoryCPU=100M MinTmpDiskNode=0",
            b"Features=" + self.features + b" DelayBoot=00:00:00",
            b"OverSubscribe=NO Exclusive=NO Contiguous=0 Licenses=(null) LicensesAlloc=(null) Network=(null)",
            *(f"{key}=".encode() + texts[key] for key in ("Command", "SubmitLine", "WorkDir")),
            *(f"{key}=".encode() + texts[key] for key in TEXT_KEYS if key in texts),
            *(f"{key}=".encode() + files[key] for key in BATCH_KEYS),
            *(f"{key}=".encode() + texts[key] for key in LAST_KEYS if key in texts),
        ]
        return lines

    def several_lines(self, mark: bytes = b"") -> bytes:
        """Returns the form of `scontrol -d show job`. `mark` follows each time."""
        return b"\n   ".join(self.lines(mark)).strip() + b"\n\n"

    def one_line(self) -> bytes:
        """Returns the form of `scontrol -d -o show job`."""
        return b" ".join(line.strip(b" ") for line in self.lines()).strip() + b"\n"

    def squeue_line(self) -> bytes:
        """Returns the line of `squeue -o` with the format of the source."""
        values = (self.job_id, self.user, self.group, self.state, self.partition, self.account, "normal", self.nodes)
        return "\x1f".join(map(str, values)).encode()

    def json(self) -> dict[str, Any]:
        """Returns the fields of `scontrol show job --json` that contain texts."""
        texts = {key: value.decode(errors="replace") for key, value in self.texts.items()}
        return {
            "job_id": self.job_id,
            "name": self.name.decode(errors="replace"),
            "command": texts.get("Command", "/bin/run.sh"),
            "current_working_directory": texts.get("WorkDir", "/tmp"),
            "comment": texts.get("Comment", ""),
            "admin_comment": texts.get("AdminComment", ""),
            "system_comment": texts.get("SystemComment", ""),
            "extra": texts.get("Extra", ""),
            "batch_flag": True,
            "stdout_expanded": texts.get("StdOut", "/tmp/slurm.out"),
            "stdin_expanded": texts.get("StdIn", "/dev/null"),
            "stderr_expanded": texts.get("StdErr", ""),
            "tres_per_node": texts.get("TresPerNode", ""),
            "tres_per_job": texts.get("TresPerJob", ""),
            "tres_per_task": texts.get("TresPerTask", ""),
            "flags": [],
        }


class PrintingPrograms(SlurmPrograms):
    """Stands in for scontrol and squeue.

    Args:
        scontrol: The jobs that scontrol sees.
        squeue: The jobs that squeue sees in its first, second, … run. The last run is repeated. None: as scontrol.
    """

    def __init__(self, scontrol: Sequence[PrintedJob], squeue: Sequence[Sequence[PrintedJob]] | None = None) -> None:
        super().__init__(None)
        self.scontrol = list(scontrol)
        self.squeue = [list(jobs) for jobs in squeue] if squeue is not None else None
        self.calls: list[tuple[str, ...]] = []
        self.unknown_types: set[str] = set()
        """Types that `squeue -O` does not know."""

    def pieces(self, separator: bytes, program: str, *arguments: str) -> Generator[bytes, None, None]:
        """Yields the pieces of what a command prints."""
        return self._pieces(separator, program, arguments)

    def _pieces(
        self, separator: bytes, program: str, arguments: tuple[str, ...], mark: bytes = b""
    ) -> Generator[bytes, None, None]:
        self.calls.append((program, *arguments))
        pieces = self._printed(program, arguments, mark).split(separator)
        yield from pieces if pieces[-1] else pieces[:-1]

    @contextmanager
    def running(
        self, separator: bytes, program: str, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Iterator[bytes]]:
        """Returns the pieces of what a command prints."""
        mark = variables.get("SLURM_TIME_FORMAT", "").removeprefix(SECONDS).encode()
        form = ("-O", variables["SQUEUE_FORMAT2"]) if "SQUEUE_FORMAT2" in variables else ()
        yield self._pieces(separator, program, (*arguments, *form), mark)

    def _printed(self, program: str, arguments: tuple[str, ...], mark: bytes) -> bytes:
        if program == "squeue":
            return self._squeue(arguments)
        job_id = next((int(word) for word in arguments if word.isdigit()), None)
        jobs = [job for job in self.scontrol if job_id in (None, job.job_id)]
        if not jobs:
            if job_id is None:
                return b"No jobs in the system\n"
            raise ProgramFailed(program, 1, "slurm_load_jobs error: Invalid job id specified")
        if "--json" in arguments:
            return json.dumps({"jobs": [job.json() for job in jobs]}).encode()
        return b"".join(job.one_line() if "-o" in arguments else job.several_lines(mark) for job in jobs)

    def _squeue(self, arguments: tuple[str, ...]) -> bytes:
        jobs = self.scontrol
        if self.squeue is not None:
            jobs = self.squeue.pop(0) if len(self.squeue) > 1 else self.squeue[0]
        if "-j" in arguments:
            wanted = set(arguments[arguments.index("-j") + 1].split(","))
            jobs = [job for job in jobs if str(job.job_id) in wanted]
        if "-O" in arguments:
            return self._squeue_texts(jobs, arguments[-1])
        if "%j" in arguments[-1]:
            return b"".join(b"%d\x1f%s\x1e\n" % (job.job_id, job.name) for job in jobs)
        return b"".join(job.squeue_line() + b"\n" for job in jobs)

    def _squeue_texts(self, jobs: Iterable[PrintedJob], form: str) -> bytes:
        """Returns the texts of `-O type:0suffix,…`. squeue leaves the place of a type empty that it does not know."""
        columns = [column.split(":0") for column in form.split(",")]
        rows = [
            [b"" if name in self.unknown_types else _TITLES.get(name, name.upper().encode()) for name, _end in columns]
        ]
        for job in jobs:
            known = {"JobID": b"%d" % job.job_id, "Name": job.name, "Feature": job.features}
            texts = {"WorkDir": b"/tmp", "StdOut": b"/tmp/slurm.out"} | job.texts
            rows.append(
                [
                    b""
                    if name in self.unknown_types
                    else known.get(name) or texts.get(_TYPES.get(name, name), b"(null)")
                    for name, _end in columns
                ]
            )
        ends = [end.encode() for _name, end in columns]
        return b"".join(b"".join(text + end for text, end in zip(row, ends, strict=True)) + b"\n" for row in rows)


def load(
    programs: SlurmPrograms,
    texts: JobTexts | None = None,
    release: tuple[int, int] = (26, 5),
    rpcs: Rpcs | None = None,
) -> JobLoad:
    """Returns the jobs of one load."""
    return JobLoad(programs, release, NAMES, "linux", 1, texts or JobTexts(), rpcs or Rpcs())


def by_id(records: Iterable[Record]) -> dict[int, Record]:
    """Returns records by job id. No id may be there twice."""
    found: dict[int, Record] = {}
    for record in records:
        assert record["job_id"] not in found
        found[record["job_id"]] = record
    return found
