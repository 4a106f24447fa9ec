"""Gives tests the outputs that Slurm's commands printed on small real clusters of several releases.

`recorded/RELEASE` has, for one moment of one cluster:

- job.txt: `scontrol -d -a show job`, without some of the jobs. `-o` prints the same with the lines joined.
- node.txt: `scontrol -d -o -a show node`. The version of the kernel is changed.
- part.txt, res.txt, lic.txt: `scontrol -o -a show part`, `scontrol -o -a show res`, `scontrol -o show lic`.
- config.txt, sdiag.txt, sshare.txt: `scontrol show config`, `sdiag`, `sshare -l -P -a`.
- sprio.txt, squeue.txt: `sprio` with the format of `priority_factors.py`, `squeue -a -h -t all` with the format of
  `squeue.py` for the jobs of job.txt.

The right values are what the same release prints in another way:

- sinfo.txt: `sinfo -a -h -N -o '%N|%T|%C|%m|%G'`, a line for each node and partition.
- sinfo-partitions.txt: `sinfo -a -h -s -o '%R|%a|%l|%D|%N'`.
- squeue-values.txt: `squeue -a -h -t all -o '%A|%C|%D|%m|%Q|%S|%e|%l|%r'`.

All were recorded with `LC_ALL=C.UTF-8 SLURM_TIME_FORMAT=%s TZ=UTC`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from slurm_rest_api.slurmapi.sources.commands.programs import SECONDS, ProgramFailed, SlurmPrograms

FOLDER: Final = Path(__file__).parent / "recorded"
RELEASES: Final = sorted(path.name for path in FOLDER.iterdir())


class RecordedCluster:
    """One cluster.

    Args:
        release: Name of a release, such as `17.11`.
    """

    def __init__(self, release: str) -> None:
        self.release = release
        self.folder = FOLDER / release

    @property
    def numbers(self) -> tuple[int, int]:
        """Major and minor number of the release."""
        major, minor = self.release.split(".")
        return int(major), int(minor)

    def output(self, name: str) -> bytes:
        return (self.folder / f"{name}.txt").read_bytes()

    def text(self, name: str) -> str:
        return self.output(name).decode(errors="replace")

    def lines(self, name: str) -> list[bytes]:
        return self.output(name).removesuffix(b"\n").split(b"\n")

    def rows(self, name: str, separator: str = "|") -> list[list[str]]:
        """Returns the columns of each line."""
        return [line.decode(errors="replace").split(separator) for line in self.lines(name)]


class RecordedPrograms(SlurmPrograms):
    """Prints what the commands printed on a recorded cluster.

    Args:
        cluster: The cluster.
    """

    def __init__(self, cluster: RecordedCluster) -> None:
        super().__init__(None)
        self._cluster = cluster
        self._queue = {line.split(b"\x1f")[0]: line for line in cluster.lines("squeue")}
        # One job has a text that looks like job 1.
        jobs = re.split(rb"\n\n(?=JobId=(?!1 JobName=root\n))", cluster.output("job").removesuffix(b"\n\n"))
        self._jobs = {job[len(b"JobId=") : job.index(b" ")]: job for job in jobs}

    @contextmanager
    def running(
        self, separator: bytes, program: str, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Iterator[bytes]]:
        """Returns the pieces of what a command printed, with the time of submission in another format."""
        if "job" not in arguments:
            yield self.pieces(separator, program, *arguments)
            return
        time_format = variables.get("SLURM_TIME_FORMAT", SECONDS)
        printed = b"".join(marked(job, time_format) + b"\n\n" for job in self._jobs.values())
        yield iter(printed.split(separator))

    def pieces(self, separator: bytes, program: str, *arguments: str) -> Generator[bytes, None, None]:
        """Yields the pieces of what a command printed."""
        pieces = self._output(program, arguments).split(separator)
        yield from pieces if pieces[-1] else pieces[:-1]

    def _output(self, program: str, arguments: tuple[str, ...]) -> bytes:
        if program != "scontrol":
            return self._of_other_programs(program, arguments)
        if arguments == ("--version",):
            return f"slurm {self._cluster.release}.1\n".encode()
        if "--json" in arguments:
            raise ProgramFailed(program, 1, "scontrol: fatal: JSON plugin load failure")
        if "job" in arguments:
            return self._show_jobs(arguments)
        if arguments[-2] == "node":
            return self._show_nodes(arguments[-1].split(","))
        name = arguments[-1]
        return self._cluster.output({"partition": "part"}.get(name, name))

    def _show_nodes(self, names: list[str]) -> bytes:
        lines = {line.split(b" ")[0].removeprefix(b"NodeName=").decode(): line for line in self._cluster.lines("node")}
        return b"".join(lines.get(name, f"Node {name} not found".encode()) + b"\n" for name in names)

    def _show_jobs(self, arguments: tuple[str, ...]) -> bytes:
        wanted = [arguments[-1].encode()] if arguments[-1].isdigit() else list(self._jobs)
        if any(job_id not in self._jobs for job_id in wanted):
            raise ProgramFailed("scontrol", 1, "slurm_load_jobs error: Invalid job id specified")
        if len(wanted) == 1:
            wanted = self._family(wanted[0])
        blocks = [self._jobs[job_id] for job_id in wanted]
        if "-o" in arguments:
            return b"".join(block.replace(b"\n   ", b" ") + b"\n" for block in blocks)
        return b"".join(block + b"\n\n" for block in blocks)

    def _family(self, job_id: bytes) -> list[bytes]:
        """Returns the tasks of an array and the parts of a heterogeneous job, which are printed for its id."""
        leader = re.compile(rb" (?:Array|Het|Pack)JobId=%s " % job_id)
        return [found for found, job in self._jobs.items() if found == job_id or leader.search(job)]

    def _of_other_programs(self, program: str, arguments: tuple[str, ...]) -> bytes:
        if program != "squeue":
            return self._cluster.output(program)
        wanted = arguments[arguments.index("-j") + 1].encode().split(b",") if "-j" in arguments else list(self._queue)
        wanted = [part for job_id in wanted for part in self._family(job_id)] if "-j" in arguments else wanted
        if "%j" in arguments[-1]:
            return b"".join(b"%s\x1f%s\x1e\n" % (job_id, _name(self._jobs[job_id])) for job_id in wanted)
        return b"".join(self._queue[job_id] + b"\n" for job_id in wanted if job_id in self._queue)


def _name(job: bytes) -> bytes:
    """Returns the name of a job, which may look like other lines."""
    return job.partition(b"JobName=")[2].partition(b"\n   JobState=")[0].rpartition(b"\n   UserId=")[0]


def marked(job: bytes, time_format: str) -> bytes:
    """Returns the text of a job with the time of its submission in another format. It is the last one that looks so."""
    start = job.rindex(b"\n   SubmitTime=") + len(b"\n   SubmitTime=")
    end = job.index(b" ", start)
    return job[:start] + time_format.replace(SECONDS, job[start:end].decode()).encode() + job[end:]
