"""The running cluster as tests use it: work for it to do, faults to suffer, and what it says about itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .daemons import Daemons
from .layout import GATES_IN_ROOT, Layout
from .ports import Ports
from .recipe import slurm_release
from .shell import Shell
from .slurmconf import DATABASE, DATABASE_PASSWORD
from .steps import DeadlineError, TestbedError, wait_until
from .truth import Truth

# Waits, without using the CPU, until `finish` tells it the status to end with.
_GATE = (
    f"""mkfifo "{GATES_IN_ROOT}/$SLURM_JOB_ID" && read -r status <"{GATES_IN_ROOT}/$SLURM_JOB_ID"; exit "$status" """
)
_ACTIVE = {"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED"}

Option = str | int | bool


@dataclass(frozen=True)
class DatabaseFacts:
    """How to reach the accounting database over TCP as one who may do everything there."""

    host: str
    port: int
    name: str
    user: str
    password: str


class Cluster(Truth):
    """A cluster that is up. Every wait has a deadline and says what it waited for and what it saw last."""

    def __init__(self, layout: Layout, ports: Ports) -> None:
        super().__init__(Shell(layout.root))
        self.layout = layout
        self.ports = ports
        self.daemons = Daemons(self.shell, ports)

    @property
    def release(self) -> str:
        """Slurm's release, such as `26.05.5`."""
        return slurm_release(self.shell)

    @property
    def database(self) -> DatabaseFacts:
        """How to reach the accounting database."""
        return DatabaseFacts("127.0.0.1", self.ports.mariadb, DATABASE, "root", DATABASE_PASSWORD)

    @property
    def slurmrestd_url(self) -> str:
        """Base URL of slurmrestd, without a slash at its end."""
        return f"http://127.0.0.1:{self.ports.slurmrestd}"

    def path(self, inside: str) -> Path:
        """The host's path of a path inside the root."""
        return self.layout.inside(inside)

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        check: bool = True,
        timeout: float = 60,
        text_input: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside the root to its end; see `Shell.run`."""
        return self.shell.run(argv, user=user, check=check, timeout=timeout, text_input=text_input, env=env)

    def popen(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        log: Path | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command inside the root in a session of its own; see `Shell.popen`."""
        return self.shell.popen(argv, user=user, env=env, cwd=cwd, log=log)

    def token(self, user: str, lifespan: int = 3600) -> str:
        """A token (header `X-SLURM-USER-TOKEN`) that makes one `user` to slurmrestd for `lifespan` seconds."""
        printed = self.shell.output("scontrol", "token", f"username={user}", f"lifespan={lifespan}")
        return printed.strip().partition("=")[2]

    def sql(self, statements: str) -> list[list[str]]:
        """Run SQL in the accounting database as its root; rows of texts (NULL is the text `NULL`), without headings."""
        login = ["-h127.0.0.1", f"-P{self.ports.mariadb}", "-uroot", f"-p{DATABASE_PASSWORD}"]
        printed = self.run(["mariadb", *login, "-N", "-B", DATABASE], text_input=statements, timeout=600).stdout
        return [line.split("\t") for line in printed.splitlines()]

    def submit(
        self,
        *,
        user: str = "alice",
        script: str | None = None,
        wrap: str | None = None,
        components: Sequence[Mapping[str, Option]] = (),
        **options: Option,
    ) -> int:
        """Submit a batch job and return its id.

        `options` are those of sbatch with underscores for dashes (`mem_per_cpu=100`, `hold=True`); `components` holds
        the options of the further components of a heterogeneous job. Without `script` (the text of one) and `wrap` (a
        command) the job runs until `finish` ends it.
        """
        words = ["sbatch", "--parsable", "--output=/dev/null", "--chdir=/", *_flags(options)]
        for component in components:
            words += [":", "--output=/dev/null", *_flags(component)]
        text = script if script is not None else f"#!/bin/bash\n{wrap if wrap is not None else _GATE}\n"
        printed = self.run(words, user=user, text_input=text).stdout
        return int(printed.strip().partition(";")[0])

    def finish(self, job: int, status: int = 0, *, timeout: float = 30) -> None:
        """Let a running job that was submitted without script end with `status`, and wait until it has ended."""
        gate = self.path(f"{GATES_IN_ROOT}/{job}")

        def open_gate() -> bool:
            try:
                descriptor = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False
            os.write(descriptor, f"{status}\n".encode())
            os.close(descriptor)
            return True

        wait_until(f"job {job} to wait at {gate}", open_gate, bool, timeout=timeout)
        self.wait_state(job, {"COMPLETED", "FAILED"}, timeout=timeout)

    def hold(self, job: int) -> None:
        """Hold a pending job as the administrator (reason JobHeldAdmin)."""
        self.run(["scontrol", "hold", str(job)])

    def release_job(self, job: int) -> None:
        """Release a held job."""
        self.run(["scontrol", "release", str(job)])

    def suspend(self, job: int) -> None:
        """Suspend a running job and wait until it is."""
        self.run(["scontrol", "suspend", str(job)])
        self.wait_state(job, {"SUSPENDED"})

    def resume(self, job: int) -> None:
        """Let a suspended job go on and wait until it does."""
        self.run(["scontrol", "resume", str(job)])
        self.wait_state(job, {"RUNNING"})

    def cancel(self, *jobs: int, timeout: float = 30) -> None:
        """Cancel jobs and wait until none of them, or of their tasks and components, is active; none is no fault."""
        if not jobs:
            return
        ids = ",".join(str(job) for job in jobs)
        self.run(["scancel", "--quiet", "--full", *[str(job) for job in jobs]], check=False)

        def active() -> list[str]:
            done = self.run(["squeue", "-h", "-a", "--states=all", "-j", ids, "-o", "%i %T"], check=False)
            return [line for line in done.stdout.splitlines() if line.split()[-1] in _ACTIVE]

        wait_until(f"the jobs {ids} to be gone", active, lambda seen: not seen, timeout=timeout)

    def wait_state(self, job: int | str, states: Collection[str], *, timeout: float = 30) -> str:
        """Wait until slurmctld has the job in one of `states`, and return which."""
        what = f"job {job} to be {' or '.join(sorted(states))}"
        try:
            return wait_until(what, lambda: self.job_state(job), lambda state: state in states, timeout=timeout)
        except DeadlineError as error:
            details = self.run(["scontrol", "-o", "show", "job", str(job)], check=False)
            raise TestbedError(f"{error}\n{details.stdout}{details.stderr}") from error

    def wait_saved(self, job: int, *, timeout: float = 30) -> None:
        """Wait until slurmctld has saved the job as it is now.

        slurmctld writes its state down some seconds after a change; what a crash (SIGKILL) takes from it before that
        is forgotten: a job that has just started would be PENDING again, and its processes would be ended.
        """
        saved = self.path("/var/lib/slurm/ctld/job_state")
        before = time.time()
        self.run(["scontrol", "update", f"jobid={job}", "comment=saved"])
        wait_until(f"slurmctld to save job {job} in {saved}", lambda: saved.stat().st_mtime if saved.exists() else 0.0,
                   lambda written: written > before, timeout=timeout)  # fmt: skip

    def wait_accounted(self, job: int, state: str, *, timeout: float = 30) -> None:
        """Wait until the accounting database has the job in `state`."""
        wait_until(f"sacct to have job {job} as {state}", lambda: self.sacct_state(job), lambda s: s == state,
                   timeout=timeout, interval=0.3)  # fmt: skip

    def wait_node(self, node: str, *words: str, timeout: float = 60) -> str:
        """Wait until the node's state, as scontrol prints it, holds all of `words`; returns the whole state."""
        return wait_until(
            f"node {node} to be {'+'.join(words)}", lambda: self.node_state(node),
            lambda state: set(words) <= set(state.replace("*", "+*").split("+")), timeout=timeout, interval=0.3,
        )  # fmt: skip

    def drain(self, node: str, reason: str) -> None:
        """Keep new jobs away from a node."""
        self.run(["scontrol", "update", f"nodename={node}", "state=drain", f"reason={reason}"])

    def undrain(self, node: str, *, timeout: float = 60) -> None:
        """Take a node back into service and wait until it answers slurmctld (NOT_RESPONDING lasts a few seconds)."""
        self.run(["scontrol", "update", f"nodename={node}", "state=resume"])
        wait_until(f"node {node} to be in service", lambda: self.node_state(node), _in_service, timeout=timeout)


def _in_service(state: str) -> bool:
    return not state.endswith("*") and not {"DRAIN", "DOWN", "NOT_RESPONDING", "UNKNOWN"} & set(state.split("+"))


def _flags(options: Mapping[str, Option]) -> list[str]:
    flags = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value is not False:
            flags.append(f"{flag}={value}")
    return flags
