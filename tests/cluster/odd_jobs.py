"""Submits jobs whose requests, ends and texts are rare on a test cluster and common elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.testbed.cluster import Cluster
from tests.testbed.steps import wait_until

_SLEEP = "exec sleep 3600"

FORGED = "evil UserId=root(0) GroupId=root(0) JobState=PENDING NumCPUs=9999"
TEXTS = (
    FORGED,
    "two\nJobId=1 JobName=forged UserId=root(0) GroupId=root(0) Partition=main",
    "f\udcfcr",
    "tab\tquote\"back\\slash'",
    " blanks at the ends ",
    "!not",
    "a,b|c;d",
    "Command=/bin/x WorkDir=/y Comment=z StdErr=/dev/null",
    "ümläut",
    "(null)",
)
"""Names and comments that look like scontrol's output, or are no UTF-8 (U+DC80 and up stand for single bytes)."""

_RUNNING: dict[str, Sequence[str]] = {
    # The first of all, because of the nodes with these features only rack001 is free for a job without `-w`.
    "features": ["-p", "main", "--constraint=cpu&avx2", "--prefer=avx2", "--spread-job", "--tmp=10"],
    "whole node": ["-p", "main", "--exclusive", "--mem=1000", "-w", "rack004"],
    "all memory": ["-p", "main", "--mem=0", "-w", "rack003"],
    "model that is a number": ["-p", "odd", "--gres=gpu:4090:1"],
    "no count": ["-p", "odd", "--gres=gpu:tesla"],
    "suffix": ["-p", "odd", "--gres=tmp:5G"],
    "count only": ["-p", "odd", "--gres=bandwidth:lustre:1G"],
    "count only with a type": ["-p", "odd", "--gres=fpga:arria:1"],
    "gpus of any type": ["-p", "odd", "--gpus=2", "-N", "2", "-n", "2", "-w", "lustre,model4090"],
    "gpus of a type": ["-p", "odd", "--gpus=a100:2", "-w", "gpu-1.rack.example"],
    "gpus per socket": ["-p", "odd", "--gpus-per-socket=1", "--sockets-per-node=2", "-n", "2", "-w", "scratch"],
    "gpus per task": ["-p", "main", "--gpus-per-task=1", "-n", "2", "-w", "rack006"],
    "shards": ["-p", "odd", "--gres=shard:3", "-w", "shards"],
    "mps": ["-p", "odd", "--gres=mps:50", "-w", "shared-mps"],
    "memory per gpu": ["-p", "main", "--gres=gpu:1", "--mem-per-gpu=500", "-w", "rack005"],
    "one thread a core": ["-p", "main", "--threads-per-core=1", "-n", "3", "--mem-per-cpu=100"],
    "no limit": ["-p", "long", "--time=UNLIMITED"],
    "two nodes": ["-p", "main", "-N", "2", "-n", "6", "--mem=300"],
    "licenses": ["-p", "main", "--licenses=matlab:1,ansys:2"],
    "dotted node": ["-p", "odd", "-w", "gpu-1.rack.example"],
    "grid node": ["-p", "odd", "-w", "r1c2", "--reservation=course"],
    "reserved cores": ["-p", "odd", "-w", "reserved-cores", "-n", "12", "--mem-per-cpu=100"],
    "texts": ["-p", "main", "--comment=c StdOut=/x", "--extra=e=f g", "--wckey=w", "-D", "/tmp", "--nice=17",
              "--output=/tmp/out %x %j.txt", "--requeue", "--signal=USR1@60", "--open-mode=append"],
    "layout": ["-p", "main", "-n", "4", "--ntasks-per-node=4", "--ntasks-per-core=1", "--cpus-per-task=1",
               "--mem-per-cpu=50", "--hint=nomultithread"],
    "frequency": ["-p", "main", "--cpu-freq=low-high:ondemand", "--profile=task,energy", "--switches=1@10:00"],
    "suspended": ["-p", "main", "-n", "2", "--mem-per-cpu=100"],
    "stopped": ["-p", "main"],
}  # fmt: skip

_PENDING: dict[str, Sequence[str]] = {
    "held": ["-p", "main", "-H", "-J", "twin"],
    "later": ["-p", "main,high", "--begin=now+1hour", "--deadline=now+5hours", "--time-min=5", "--time=1:00:00"],
    "array with a step": ["-p", "main", "-H", "--array=0-10000:100%4"],
    "array": ["-p", "main", "-H", "--array=1,3,5-9"],
    "whole array of 10,001": ["-p", "main", "-H", "--array=0-10000"],
    "alternatives of licenses": ["-p", "main", "-H", "--licenses=matlab:1|ansys:1"],
    "closed partition": ["-p", "closed"],
    "strict": ["-p", "strict", "-H", "-N", "1-3", "--exclude=cloud[1-2]", "--contiguous", "--cores-per-socket=2"],
    "gpus untyped and typed": ["-p", "odd", "-H", "--gpus=a100:2,v100:1"],
    "per node and task": ["-p", "odd", "-H", "-N", "2", "--gpus-per-node=h100:1", "--cpus-per-gpu=2",
                          "--gres-flags=enforce-binding", "--gpu-bind=closest", "--gpu-freq=high"],
    "tres of tasks": ["-p", "odd", "-H", "-n", "2", "--tres-per-task=cpu:2,gres/gpu:1"],
    "tasks a gpu": ["-p", "odd", "-H", "--gpus=2", "--ntasks-per-gpu=2"],
    "core specialization": ["-p", "odd", "-H", "--core-spec=1", "--exclusive"],
    "thread specialization": ["-p", "odd", "-H", "--thread-spec=1", "--exclusive"],
    "reboot": ["-p", "odd", "-H", "--delay-boot=10", "--no-kill", "--kill-on-invalid-dep=yes"],
    "memory": ["-p", "main", "-H", "--mem=1G", "--mincpus=3", "--sockets-per-node=1", "--threads-per-core=2"],
    "network": ["-p", "main", "-H", "--network=a=b c", "--mail-type=ALL", "--mail-user=x StdErr=y"],
    "oversubscribe": ["-p", "odd", "-H", "-s"],
    "exclusive user": ["-p", "odd", "-H", "--exclusive=user"],
}  # fmt: skip

_ENDED: dict[str, str] = {
    **{f"code {code}": f"exit {code}" for code in (0, 1, 127, 128, 130, 137, 255)},
    "killed command": "bash -c 'kill -9 $$'; exit $?",
    "signalled": "kill -15 $$",
    "killed": "kill -9 $$",
    "step code": "srun --overlap bash -c 'exit 200'; exit 3",
}


class OddJobs:
    """Submits all odd jobs, and waits until each is in its final state of this test. `ids` has them by name."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.ids: dict[str, int] = {}

    def submit_all(self, codes: range) -> None:
        """Submits everything, and waits until what should run, runs, and what should end, has ended.

        Args:
            codes: exit codes. The array "every code" has a task for each.
        """
        for name, words in _PENDING.items():
            self._submit(name, words)
        for name, words in _RUNNING.items():
            self._submit(name, words)
        heterogeneous = ["-p", "main", "-n", "2", ":", "-p", "odd", "--gres=gpu:h100:1"]
        self._submit("heterogeneous", heterogeneous, script="#!/bin/bash\nexec sleep 3600\n")
        # Their nodes and CPUs depend on what else runs, so the short jobs come later.
        self._wait_running([*_RUNNING, "heterogeneous"])
        for name, script in _ENDED.items():
            self._submit(name, ["-p", "main"], script)
        tasks = f"--array={codes[0]}-{codes[-1]}"
        ended = self._submit("every code", ["-p", "main,long", tasks], "exit $SLURM_ARRAY_TASK_ID")
        for number, text in enumerate(TEXTS):
            user = "alice" if number % 2 else "bob"
            self._submit(f"name {number}", ["-p", "main", "-H", f"--job-name={text}"], user=user)
            self._submit(f"comment {number}", ["-p", "main", "-H", f"--comment={text}"], user=user)
        held, code = self.ids["held"], self.ids["code 0"]
        dependency = f"--dependency=afterok:{held},singleton"
        self._submit("dependencies", ["-p", "main", "-J", "twin", dependency])
        self._submit("alternatives", ["-p", "main", f"--dependency=afterany:{held}?afternotok:{held}"])
        self._submit("never", ["-p", "main", f"--dependency=afternotok:{code}", "--kill-on-invalid-dep=no"])
        running_array = self._submit("running array", ["-p", "main", "--array=0-9%2"])
        self._cluster.cancel(self._submit("cancelled", ["-p", "main", "--begin=now+1hour", "--time=UNLIMITED"]))
        self._cluster.suspend(self.ids["suspended"])
        self._cluster.run(["scancel", "--signal=STOP", str(self.ids["stopped"])])
        self._cluster.wait_state(self.ids["stopped"], {"STOPPED"})
        self._cluster.run(["scontrol", "requeuehold", str(self.ids["texts"])])
        self._wait_ended([*(self.ids[name] for name in _ENDED), ended])
        wait_until(
            "two tasks of the array to run",
            lambda: self._states(running_array).count("RUNNING"),
            lambda seen: seen == 2,
        )

    def _submit(
        self, name: str, words: Sequence[str], wrap: str = _SLEEP, *, user: str = "alice", script: str | None = None
    ) -> int:
        argv = ["sbatch", "--parsable", "-D", "/tmp", *words]
        if not any(word.startswith("--output") for word in words):
            argv[2:2] = ["--output=/dev/null"]
        text = script if script is not None else f"#!/bin/bash\n{wrap}\n"
        printed = self._cluster.run(argv, user=user, text_input=text).stdout
        self.ids[name] = int(printed.strip().partition(";")[0])
        return self.ids[name]

    def _states(self, job: int) -> list[str]:
        options = ["-h", "-a", "-r", "--states=all", "-o", "%T", "-j", str(job)]
        return self._cluster.run(["squeue", *options], check=False).stdout.split()

    def _wait_running(self, names: Sequence[str]) -> None:
        def waiting() -> list[str]:
            return list(self._not_running(names))

        wait_until("the odd jobs to run", waiting, lambda seen: not seen, interval=0.5)

    def _not_running(self, names: Sequence[str]) -> Iterator[str]:
        printed = self._cluster.run(["squeue", "-h", "-a", "--states=all", "-o", "%A %T %r"]).stdout
        states = {line.split()[0]: line for line in printed.splitlines()}
        for name in names:
            if states[str(self.ids[name])].split()[1] != "RUNNING":
                yield f"{name}: {states[str(self.ids[name])]}"

    def _wait_ended(self, jobs: Sequence[int]) -> None:
        ids = ",".join(map(str, jobs))

        def active() -> list[str]:
            words = ["squeue", "-h", "-a", "-r", "-j", ids, "-o", "%i %T %r"]
            return self._cluster.run(words, check=False).stdout.splitlines()

        wait_until("the short jobs to end", active, lambda seen: not seen, interval=0.5)
