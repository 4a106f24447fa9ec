"""Jobs of every kind, and nodes in every state that one machine can have, on the cluster of one release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION
from tests.testbed.steps import wait_until

# Bytes that are not UTF-8 reach sbatch as they are: Python's surrogates become them again.
LATIN_1: Final = "f\udcfcr die K\udcfcche"
TEXTS: Final = {
    "fields": "evil UserId=root(0) GroupId=root(0) NumCPUs=9999 Partition=secret JobState=COMPLETED",
    "separators": "a|b,c;d!e\x1ff\x1eg%h",
    "quotes": 'it\'s "quoted" \\ and `ticked` $HOME',
    "blanks": "  two  blanks\tand a tab  ",
    "lines": "first\nJobId=1 JobName=second UserId=root(0)\n\nJobId=2",
    "latin": LATIN_1,
    "wide": "Prüfung 試験 🚀",
    "nothing": "(null)",
    "bang": "!not",
}
"""Job names and comments that look like something else, by the end of their kind."""

# Of each user, so that no other test's job of the same name is in the way.
_SINGLETON: Final = "only-one-of-these"


@dataclass(frozen=True)
class Scene:
    """The job id of each kind, ids of hidden jobs and words in their names."""

    ids: dict[str, int]
    hidden: tuple[int, ...]
    hidden_words: tuple[str, ...]

    @property
    def visible(self) -> set[int]:
        """Returns the ids of the jobs that are not hidden."""
        return set(self.ids.values())


def has_odd_nodes(cluster: Cluster) -> bool:
    """Returns True if the cluster has GPUs whose model is a number, and a CLOUD node."""
    return not cluster.suite.is_whole


def make_scene(cluster: Cluster, jobs: Jobs) -> Scene:
    """Submits the jobs, waits until each has the state of its kind, and changes the nodes' states."""
    ids = _finished(cluster, jobs)
    ids |= _running(cluster, jobs)
    hidden = _hidden(cluster, jobs)
    ids |= _waiting(cluster, jobs, ids)
    ids |= _hostile(jobs)
    ids |= _next_to_hidden(jobs, hidden)
    ids |= _tasks(cluster, ids["array"])
    _change_nodes(cluster)
    _wait_for_reasons(cluster)
    return Scene(ids, tuple(hidden.values()), tuple(hidden))


def _running(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    odd = has_odd_nodes(cluster)
    high: dict[str, Any] = {"user": "bob", "partition": "high"}
    ids = {
        "per_cpu": jobs.submit(nodelist="rack001", cpus_per_task=4, mem_per_cpu=250, job_name="marmalade", time=90,
                               comment="with blanks, and commas", exclude="rack[002-003],rack005"),
        "per_node": jobs.submit(user="bob", nodelist="rack001", ntasks=2, mem=3000, time=45, time_min=30, nice=7),
        "suspended": jobs.submit(nodelist="rack001", ntasks=3, mem=1000),
        "het": jobs.submit(nodelist="rack001", ntasks=2,
                           components=[{"partition": "long", "nodelist": "rack007", "ntasks": 1}]),
        "whole_memory": jobs.submit(nodelist="rack002", mem=0, job_name=_SINGLETON),
        "multi_node": jobs.submit(user="carol", nodelist="rack[003-004]", nodes=2, ntasks=5, mem_per_cpu=100,
                                  qos="urgent"),
        "gpu_typed": jobs.submit(**high, nodelist="rack005", ntasks=2,
                                 gres="gpu:tesla:1,bandwidth:lustre:1G" if odd else "gpu:tesla:1"),
        "gpu_counted": jobs.submit(**high, nodelist="rack005", gpus=1),
        "gpu_numeric": jobs.submit(**high, nodelist="rack006", gres="gpu:4090:1,tmp:5G" if odd else "gpu:1"),
        "gpu_per_task": jobs.submit(**high, nodelist="rack006", ntasks=1, gpus_per_task=1, cpus_per_gpu=2),
        "unlimited": jobs.submit(user="carol", partition="long", nodelist="rack007", ntasks=3, time="UNLIMITED",
                                 mem_per_cpu=500, licenses="matlab:1"),
        "requeued": jobs.submit(nodelist="rack004", requeue=True),
    }  # fmt: skip
    for job in ids.values():
        cluster.wait_state(job, {"RUNNING"})
    ids["het_second"] = ids["het"] + 1
    cluster.suspend(ids["suspended"])
    cluster.requeue(ids["requeued"])
    if odd:
        ids["configuring"] = jobs.submit(partition="burst")
        cluster.wait_state(ids["configuring"], {"CONFIGURING"})
    return ids


def _finished(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    endings = {"completed": "true", "exit_3": "exit 3", "exit_128": "exit 128", "exit_137": "exit 137",
               "exit_255": "exit 255", "killed": "kill -9 $$", "terminated": "kill -TERM $$"}  # fmt: skip
    ids = {kind: jobs.submit(wrap=command, nodelist="rack002") for kind, command in endings.items()}
    ids["cancelled"] = jobs.running(nodelist="rack003")
    ids["cancelled_waiting"] = jobs.submit(hold=True)
    cluster.cancel(ids["cancelled"], ids["cancelled_waiting"])
    for kind in endings:
        cluster.wait_state(ids[kind], {"COMPLETED", "FAILED"})
    return ids


def _waiting(cluster: Cluster, jobs: Jobs, ids: dict[str, int]) -> dict[str, int]:
    after = f"afterok:{ids['per_cpu']},afterany:{ids['multi_node']}"
    waiting = {
        "resources": jobs.submit(constraint="avx2", nodes=4, exclusive=True, signal="B:USR1@60"),
        "priority": jobs.submit(constraint="avx2&cpu", nodes=4, exclusive=True, nice=100),
        "held": jobs.submit(hold=True, ntasks=6, ntasks_per_node=3, cpus_per_task=2, tmp=100, contiguous=True),
        "held_admin": jobs.submit(hold=True, user="bob"),
        "dependency": jobs.submit(dependency=after, kill_on_invalid_dep="no"),
        "singleton": jobs.submit(dependency=f"afterok:{ids['per_cpu']},singleton", job_name=_SINGLETON),
        "begin": jobs.submit(user="bob", begin="2030-01-01T00:00:00", deadline="2031-01-01", licenses="matlab:2"),
        "licenses": jobs.submit(licenses="matlab:4", time=1),
        "array": jobs.submit(user="carol", array="0-5%2", partition="long", nodelist="rack007", mem=100),
        "many_partitions": jobs.submit(user="bob", partition="main,high", nodelist="rack006", exclusive=True, nice=200),
        "whole_memory_waiting": jobs.submit(hold=True, mem=0, exclusive="user", core_spec=1),
        "memory_per_gpu": jobs.submit(hold=True, partition="high", gpus=1, mem_per_gpu=500),
        "gpu_one": jobs.submit(hold=True, gres="gpu:tesla"),
        "gpus_typed": jobs.submit(hold=True, gpus="tesla:2"),
        "gpus_per_socket": jobs.submit(hold=True, gpus_per_socket=1, sockets_per_node=2),
    }  # fmt: skip
    cluster.hold(waiting["held_admin"])
    return waiting


def _hostile(jobs: Jobs) -> dict[str, int]:
    ids = {
        f"name_{kind}": jobs.submit(hold=True, job_name=text, comment="quiet", mem=100) for kind, text in TEXTS.items()
    }
    ids |= {f"comment_{kind}": jobs.submit(hold=True, job_name="loud", comment=text) for kind, text in TEXTS.items()}
    ids["paths"] = jobs.submit(
        hold=True, chdir="/tmp/a b UserId=root(0) x", output="/tmp/o=1 StdErr=/etc/passwd", error="/tmp/e MinCPUs=9",
        job_name="paths",
    )  # fmt: skip
    return ids


def _hidden(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    secret: dict[str, Any] = {"user": "mallory", "partition": HIDDEN_PARTITION}
    ids = {
        "quokkafish": jobs.running(**secret, nodelist=HIDDEN_NODE, job_name="quokkafish", cpus_per_task=3, mem=700),
        "zeppelinjam": jobs.running(**secret, nodelist="rack[006-007]", nodes=2, ntasks=2, job_name="zeppelinjam"),
    }
    ids |= {
        "umbrellaworm": jobs.submit(**secret, dependency=f"afterok:{ids['quokkafish']}", job_name="umbrellaworm"),
        "trombonegoat": jobs.submit(**secret, array="0-3%1", nodelist=HIDDEN_NODE, job_name="trombonegoat"),
        "pretzelmoth": jobs.running(**secret, nodelist=HIDDEN_NODE, job_name="pretzelmoth"),
    }
    cluster.finish(ids["pretzelmoth"])
    return ids


def _next_to_hidden(jobs: Jobs, hidden: dict[str, int]) -> dict[str, int]:
    neighbour = jobs.running(partition="long", nodelist="rack005", ntasks=2, mem=900)
    return {
        "neighbour": neighbour,
        "in_both": jobs.submit(partition=f"main,{HIDDEN_PARTITION}", hold=True),
        "dependent": jobs.submit(dependency=f"afterany:{hidden['quokkafish']}:{neighbour}"),
        "avoiding": jobs.submit(exclude=f"rack001,{HIDDEN_NODE}", hold=True),
    }


def _tasks(cluster: Cluster, array: int) -> dict[str, int]:
    def started() -> dict[str, int]:
        printed = cluster.run(["squeue", "-h", "-a", "-t", "running", "-j", str(array), "-o", "%K %A"]).stdout
        return {f"array_task_{task}": int(job) for task, job in (line.split() for line in printed.splitlines())}

    return wait_until("two tasks of the array to run", started, lambda seen: len(seen) == 2)


def _change_nodes(cluster: Cluster) -> None:
    cluster.drain("rack003", "fan is loud State=IDLE Weight=9")
    cluster.run(["scontrol", "update", "nodename=rack002", "state=fail", f"reason={LATIN_1}"])
    words = ["ReservationName=repair", "StartTime=now", "Duration=120", "Nodes=rack004", "Flags=maint,ignore_jobs"]
    cluster.run(["scontrol", "create", "reservation", *words, "Users=root"])
    cluster.wait_node("rack004", "MAINTENANCE")


def restore_nodes(cluster: Cluster) -> None:
    """Takes back what the scene changed of the nodes."""
    cluster.run(["scontrol", "delete", "ReservationName=repair"], check=False)
    for node in ("rack002", "rack003"):
        cluster.undrain(node)


def _wait_for_reasons(cluster: Cluster) -> None:
    def without_reason() -> list[str]:
        printed = cluster.run(["squeue", "-h", "-a", "-t", "pending", "-o", "%A %r"]).stdout.splitlines()
        return [line for line in printed if line.endswith(" None")]

    wait_until("every waiting job to have a reason", without_reason, lambda seen: not seen)
