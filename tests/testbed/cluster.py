"""The running cluster as tests use it: jobs, faults, and Slurm's own answers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import GIVE_UP_SECONDS

from .daemons import Daemons
from .layout import GATES_IN_ROOT, Layout
from .ports import Ports
from .recipe import slurm_release
from .shell import Shell
from .slurmconf import DATABASE, DATABASE_PASSWORD
from .steps import DeadlineError, TestbedError, wait_until
from .suites import suite_of
from .truth import Truth

# Waits on a named pipe until `finish` writes the status to end with.
_GATE = (
    f"""mkfifo "{GATES_IN_ROOT}/$SLURM_JOB_ID" && read -r status <"{GATES_IN_ROOT}/$SLURM_JOB_ID"; exit "$status" """
)
_ACTIVE = {"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED"}
# A job in one of these states leaves it only if it is requeued.
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"}

Option = str | int | bool


@dataclass(frozen=True)
class DatabaseFacts:
    """The address of the accounting database, and an account with all rights."""

    host: str
    port: int
    name: str
    user: str
    password: str


class Cluster(Truth):
    """A running cluster. A wait that gives up reports its condition and the last value seen."""

    def __init__(self, layout: Layout, ports: Ports) -> None:
        super().__init__(Shell(layout.root))
        self.layout = layout
        self.ports = ports
        self.suite = suite_of(layout.suite)
        self.daemons = Daemons(self.shell, self.suite, ports)

    @property
    def release(self) -> str:
        """Returns Slurm's release, such as `26.05.5`."""
        return slurm_release(self.shell)

    @property
    def database(self) -> DatabaseFacts:
        """Returns the address and the account of the accounting database."""
        return DatabaseFacts("127.0.0.1", self.ports.mariadb, DATABASE, "root", DATABASE_PASSWORD)

    @property
    def slurmrestd_url(self) -> str:
        """Returns the base URL of slurmrestd, without a slash at the end."""
        return f"http://127.0.0.1:{self.ports.slurmrestd}"

    def path(self, inside: str) -> Path:
        """Returns the host's path of a path inside the root."""
        return self.layout.inside(inside)

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        check: bool = True,
        timeout: float = GIVE_UP_SECONDS,
        text_input: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command inside the root to its end. See `Shell.run`."""
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
        """Starts a command inside the root in a new session. See `Shell.popen`."""
        return self.shell.popen(argv, user=user, env=env, cwd=cwd, log=log)

    def token(self, user: str, lifespan: int = 3600) -> str:
        """Returns a token of `user` for the header `X-SLURM-USER-TOKEN`, valid for `lifespan` seconds."""
        printed = self.shell.output("scontrol", "token", f"username={user}", f"lifespan={lifespan}")
        return printed.strip().partition("=")[2]

    def sql(self, statements: str) -> list[list[str]]:
        """Runs SQL in the accounting database as its root. Returns rows of texts (NULL is `NULL`) without headings."""
        login = ["-h127.0.0.1", f"-P{self.ports.mariadb}", "-uroot", f"-p{DATABASE_PASSWORD}"]
        printed = self.run(["mariadb", *login, "-N", "-B", DATABASE], text_input=statements).stdout
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
        """Submits a batch job and returns its id.

        Without `script` and `wrap` the job runs until `finish` ends it.

        Args:
            user: the user who submits it.
            script: the text of a batch script.
            wrap: one shell command.
            components: the options of the further components of a heterogeneous job.
            options: those of sbatch with underscores for dashes (`mem_per_cpu=100`, `hold=True`).
        """
        words = ["sbatch", "--parsable", "--output=/dev/null", "--chdir=/", *_flags(options)]
        for component in components:
            words += [":", "--output=/dev/null", *_flags(component)]
        text = script if script is not None else f"#!/bin/bash\n{wrap if wrap is not None else _GATE}\n"
        printed = self.run(words, user=user, text_input=text).stdout
        return int(printed.strip().partition(";")[0])

    def finish(self, job: int, status: int = 0) -> None:
        """Ends a running job that was submitted without script with `status`, and waits until it has ended."""
        gate = self.path(f"{GATES_IN_ROOT}/{job}")

        def open_gate() -> bool:
            try:
                descriptor = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False
            os.write(descriptor, f"{status}\n".encode())
            os.close(descriptor)
            return True

        wait_until(f"job {job} to wait at {gate}", open_gate, bool)
        self.wait_state(job, {"COMPLETED", "FAILED"})

    def hold(self, job: int) -> None:
        """Holds a pending job as administrator (reason JobHeldAdmin)."""
        self.run(["scontrol", "hold", str(job)])

    def release_job(self, job: int) -> None:
        """Releases a held job."""
        self.run(["scontrol", "release", str(job)])

    def suspend(self, job: int) -> None:
        """Suspends a running job and waits until it is suspended."""
        self.run(["scontrol", "suspend", str(job)])
        self.wait_state(job, {"SUSPENDED"})

    def resume(self, job: int) -> None:
        """Resumes a suspended job and waits until it is running."""
        self.run(["scontrol", "resume", str(job)])
        self.wait_state(job, {"RUNNING"})

    def requeue(self, job: int) -> None:
        """Requeues a running job and waits until it is pending.

        Its nodes complete it first. A job that is cancelled meanwhile has no second record in slurmdbd.
        """
        self.run(["scontrol", "requeue", str(job)])
        self.wait_state(job, {"PENDING"})

    def cancel(self, *jobs: int) -> None:
        """Cancels jobs and waits until none of them, nor of their tasks and components, is active."""
        if not jobs:
            return
        ids = ",".join(str(job) for job in jobs)
        self.run(["scancel", "--quiet", "--full", *[str(job) for job in jobs]], check=False)

        def active() -> list[str]:
            done = self.run(["squeue", "-h", "-a", "--states=all", "-j", ids, "-o", "%i %T"], check=False)
            return [line for line in done.stdout.splitlines() if line.split()[-1] in _ACTIVE]

        wait_until(f"the jobs {ids} to be gone", active, lambda seen: not seen)

    def wait_state(self, job: int | str, states: Collection[str]) -> str:
        """Waits until slurmctld has the job in one of `states`, and returns that state.

        Raises:
            TestbedError: the job has ended in another state, or the wait is over. The message has the whole job.
        """
        what = f"job {job} to be {' or '.join(sorted(states))}"
        try:
            state = wait_until(what, lambda: self.job_state(job), lambda state: state in states or state in _ENDED)
        except DeadlineError as error:
            raise TestbedError(f"{error}\n{self._job_details(job)}") from error
        if state not in states:
            raise TestbedError(f"waited for {what}: {state}\n{self._job_details(job)}")
        return state

    def _job_details(self, job: int | str) -> str:
        details = self.run(["scontrol", "-o", "show", "job", str(job)], check=False)
        return f"{details.stdout}{details.stderr}"

    def wait_saved(self, job: int) -> None:
        """Waits until slurmctld has saved the job's current state.

        slurmctld saves its state some seconds after a change. After a crash (SIGKILL) before that, a job that has
        just started is PENDING again, and its processes are killed.
        """
        saved = self.path("/var/lib/slurm/ctld/job_state")
        before = time.time()
        self.run(["scontrol", "update", f"jobid={job}", "comment=saved"])
        wait_until(
            f"slurmctld to save job {job} in {saved}",
            lambda: saved.stat().st_mtime if saved.exists() else 0.0,
            lambda written: written > before,
        )

    def crash_slurmctld(self, job: int) -> None:
        """Ends slurmctld with SIGKILL, after it has saved the job's current state.

        slurmctld moves a file of its state away before it moves the new one there. Without one of them 26.05 does not
        start, so it is not killed in between. It needs the usage of associations as well, which a new slurmctld first
        saves after minutes, or when it ends on SIGTERM.
        """
        if not self.path("/var/lib/slurm/ctld/assoc_usage").exists():
            self.daemons.stop("slurmctld")
            self.daemons.start("slurmctld")
        self.wait_saved(job)
        wait_until("slurmctld to be frozen with whole state files", self._freeze_between_saves, bool)
        self.daemons.stop("slurmctld", signal.SIGKILL)

    def _freeze_between_saves(self) -> bool:
        self.daemons.freeze("slurmctld")
        folder = self.path("/var/lib/slurm/ctld")
        if not any(folder.glob("*.new")) and all(old.with_suffix("").exists() for old in folder.glob("*.old")):
            return True
        self.daemons.thaw("slurmctld")
        return False

    def wait_accounted(self, job: int, state: str) -> None:
        """Waits until the accounting database has the job in `state`."""
        what = f"sacct to have job {job} as {state}"
        wait_until(what, lambda: self.sacct_state(job), lambda seen: seen == state, interval=0.3)

    def wait_node(self, node: str, *words: str) -> str:
        """Waits until the node's state, as scontrol prints it, has all of `words`. Returns the whole state."""
        return wait_until(
            f"node {node} to be {'+'.join(words)}",
            lambda: self.node_state(node),
            lambda state: set(words) <= set(state.replace("*", "+*").split("+")),
            interval=0.3,
        )

    def drain(self, node: str, reason: str) -> None:
        """Drains a node."""
        self.run(["scontrol", "update", f"nodename={node}", "state=drain", f"reason={reason}"])

    def undrain(self, node: str) -> None:
        """Resumes a node and waits until it answers slurmctld. NOT_RESPONDING lasts a few seconds."""
        self.run(["scontrol", "update", f"nodename={node}", "state=resume"])
        wait_until(f"node {node} to be in service", lambda: self.node_state(node), _in_service)


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
