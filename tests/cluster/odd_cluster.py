"""Reconfigures the testbed with nodes, GRES, states and jobs that are rare on a test cluster and common elsewhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import GPU_FILES
from tests.testbed.steps import wait_until
from tests.waiting import GIVE_UP_SECONDS

PARTITION = "odd"
TRACKED = {
    "default": "",
    "untyped": "AccountingStorageTRES=gres/gpu",
    "both": "AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/gpu:4090",
}
"""Values of AccountingStorageTRES by name. Slurm's default tracks no GRES."""

_HARDWARE = "Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 RealMemory=16000"

# Node name → its further words in slurm.conf. The GRES are those of slurm.conf(5) and of clusters with consumer cards.
_SERVED = {
    "model4090": "Gres=gpu:4090:2 Feature=consumer,gen-4",
    "lustre": "Gres=gpu:tesla:2,bandwidth:lustre:no_consume:4G",
    "scratch": "Gres=gpu:2,tmp:844G",
    "slices": "Gres=gpu:nvidia_a100_3g.20gb:2",
    "shards": "Gres=gpu:h100:2,shard:8",
    "shared-mps": "Gres=gpu:v100:2,mps:200",
    "count-only": "Gres=fpga:arria:2",
    "reserved-cores": "CoreSpecCount=2 MemSpecLimit=1000",
    "gpu-1.rack.example": "Gres=gpu:a100:2",
    "r1c2": "Feature=grid",
}
# Nodes without a slurmd.
_UNSERVED = (
    f"NodeName=cloud[1-2] {_HARDWARE} State=CLOUD Feature=cloudy",
    f"NodeName=future[1-2] {_HARDWARE} State=FUTURE",
    f"NodeName=r[3-4]c[1-2] {_HARDWARE} State=DOWN",
)
_GRES_CONF = """\
NodeName=model4090 Name=gpu Type=4090 File={gpu0}
NodeName=model4090 Name=gpu Type=4090 File={gpu1}
NodeName=lustre Name=gpu Type=tesla File={gpu0}
NodeName=lustre Name=gpu Type=tesla File={gpu1}
NodeName=lustre Name=bandwidth Type=lustre Count=4G Flags=CountOnly
NodeName=scratch Name=gpu File={gpu0}
NodeName=scratch Name=gpu File={gpu1}
NodeName=scratch Name=tmp Count=844G Flags=CountOnly
NodeName=slices Name=gpu Type=nvidia_a100_3g.20gb File={gpu0}
NodeName=slices Name=gpu Type=nvidia_a100_3g.20gb File={gpu1}
NodeName=shards Name=gpu Type=h100 File={gpu0} Cores=0-3
NodeName=shards Name=gpu Type=h100 File={gpu1} Cores=4-7
NodeName=shards Name=shard Count=4 File={gpu0}
NodeName=shards Name=shard Count=4 File={gpu1}
NodeName=shared-mps Name=gpu Type=v100 File={gpu0}
NodeName=shared-mps Name=gpu Type=v100 File={gpu1}
NodeName=shared-mps Name=mps Count=100 File={gpu0}
NodeName=shared-mps Name=mps Count=100 File={gpu1}
NodeName=count-only Name=fpga Type=arria Count=2 Flags=CountOnly
NodeName=gpu-1.rack.example Name=gpu Type=a100 File={gpu0}
NodeName=gpu-1.rack.example Name=gpu Type=a100 File={gpu1}
"""
_CONFIGURATION = Path("/etc/slurm/slurm.conf")
_FILES = (_CONFIGURATION, Path("/etc/slurm/gres.conf"))
# The first port of the additional nodes' daemons, above those of the testbed's block.
_FIRST_OFFSET = 40


@contextmanager
def odd_cluster(cluster: Cluster, tracked: str) -> Iterator[None]:
    """Adds the odd nodes and the partition `odd` to the running cluster, and removes them afterwards.

    Args:
        cluster: The running testbed.
        tracked: A key of `TRACKED`.
    """
    before = {path: cluster.path(str(path)).read_text() for path in _FILES}
    port = cluster.ports.slurmd + _FIRST_OFFSET
    daemons: list[subprocess.Popen[str]] = []
    _write(cluster, _CONFIGURATION, _slurm_conf(before[_CONFIGURATION], port, TRACKED[tracked]))
    gres = _GRES_CONF.format(gpu0=GPU_FILES[0], gpu1=GPU_FILES[1])
    _write(cluster, _FILES[1], before[_FILES[1]] + gres)
    try:
        _restart(cluster)
        for name in _SERVED:
            log = cluster.path(f"/var/log/slurm/slurmd-{name}.out")
            daemons.append(cluster.popen(["slurmd", "-D", "-N", name], log=log))
        _wait_for(cluster, _SERVED)
        yield
    finally:
        cluster.run(["scancel", f"--partition={PARTITION}", "--full"], check=False)
        for user in ("alice", "bob"):
            cluster.run(["scancel", f"--user={user}", "--full"], check=False)
        for name in _reservations(cluster):
            cluster.run(["scontrol", "delete", f"ReservationName={name}"], check=False)
        cluster.run(["scontrol", "update", "NodeName=rack[001-002]", "Comment=", "Extra="], check=False)
        for process in daemons:
            process.terminate()
        for process in daemons:
            process.wait(GIVE_UP_SECONDS)
        for path, text in before.items():
            _write(cluster, path, text.replace("MinJobAge=3600", "MinJobAge=2"))
        _restart(cluster)
        _wait_until_forgotten(cluster)
        _write(cluster, _CONFIGURATION, before[_CONFIGURATION])
        cluster.run(["scontrol", "reconfigure"])
        _wait_for(cluster, ["rack001", "rack008"])


def put_nodes_into_odd_states(cluster: Cluster) -> None:
    """Makes nodes fail, reserved, in maintenance, and drained with a reason that holds any text."""
    reservation = ["scontrol", "create", "reservation", "StartTime=now", "Duration=1:00:00"]
    cluster.run([*reservation, "ReservationName=works", "Nodes=rack007", "Flags=MAINT,IGNORE_JOBS", "Users=root"])
    cluster.run([*reservation, "ReservationName=course", "Nodes=r1c2", "Users=alice", "Flags=IGNORE_JOBS"])
    cluster.run(["scontrol", "update", "NodeName=slices", "State=FAIL", "Reason=fan \udcfcber State=IDLE CPUAlloc=99"])
    cluster.run(["scontrol", "update", "NodeName=rack001", "Comment=a CfgTRES=cpu=1", "Extra=b=c d"])
    cluster.run(["scontrol", "update", "NodeName=rack002", "State=DRAIN", "Reason=two words [root@2020-01-01]"])
    wait_until(
        "the reservations to hold their nodes",
        lambda: [cluster.node_state("rack007"), cluster.node_state("r1c2")],
        lambda seen: "MAINTENANCE" in seen[0] and "RESERVED" in seen[1],
    )


def _slurm_conf(text: str, port: int, tracked: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("AccountingStorageTRES=")]
    changed = "\n".join(lines).replace("GresTypes=gpu", "GresTypes=gpu,mps,shard,tmp,bandwidth,fpga")
    changed = changed.replace("Licenses=matlab:4", "Licenses=matlab:4,ansys:8")
    nodes = [
        f"NodeName={name} {_HARDWARE} {words} NodeAddr=127.0.0.1 Port={port + number} State=UNKNOWN"
        for number, (name, words) in enumerate(_SERVED.items())
    ]
    members = ",".join([*_SERVED, "cloud[1-2]", "future[1-2]", "r[3-4]c[1-2]"])
    partitions = [
        f"PartitionName={PARTITION} Nodes={members} MaxTime=5:00:00 OverSubscribe=FORCE:2 LLN=YES PriorityJobFactor=7",
        f"PartitionName=strict Nodes={members} AllowAccounts=physics DenyQos=urgent MaxCPUsPerNode=6 MaxMemPerCPU=800"
        " MaxNodes=3 MinNodes=1 ExclusiveUser=YES RootOnly=NO QOS=normal DefCpuPerGPU=2 DefMemPerGPU=300"
        " OverTimeLimit=5 GraceTime=30 Alternate=odd ReqResv=NO",
        f"PartitionName=closed Nodes={members} State=DOWN AllowGroups=root,alice Hidden=YES DisableRootJobs=YES",
        "PartitionName=empty State=UP",
    ]
    power = ["SuspendProgram=/bin/true", "ResumeProgram=/bin/true", "SuspendTime=INFINITE"]
    return "\n".join([changed, tracked, *power, *nodes, *_UNSERVED, *partitions, ""])


def _write(cluster: Cluster, path: Path, text: str) -> None:
    cluster.path(str(path)).write_text(text)


def _restart(cluster: Cluster) -> None:
    names = ["slurmctld", *(name for name in cluster.daemons.names if name.startswith("slurmd-"))]
    for name in names:
        cluster.daemons.stop(name)
    for name in names:
        cluster.daemons.start(name, wait=name == "slurmctld")
    _wait_for(cluster, ["rack001", "rack002", "rack003", "rack004", "rack005", "rack006", "rack007", "rack008"])


def _wait_until_forgotten(cluster: Cluster) -> None:
    """Waits until slurmctld has no job any more. Other tests read the text of every job."""
    every = ["squeue", "-h", "-a", "-t", "all", "-o", "%A %T"]
    wait_until(
        "slurmctld to forget the odd jobs",
        lambda: cluster.run(every, check=False).stdout.splitlines(),
        lambda seen: not seen,
        interval=1.0,
    )


def _wait_for(cluster: Cluster, names: object) -> None:
    wanted = set(names)  # type: ignore[call-overload]

    def states() -> dict[str, str]:
        lines = cluster.run(["sinfo", "-h", "-a", "-N", "-o", "%N %T"], check=False).stdout.splitlines()
        seen = {name: state for name, state in (line.split() for line in lines) if name in wanted}
        # A node that was away, or whose GRES were others before, is out of service until it is resumed.
        down = [name for name, state in seen.items() if state.startswith(("down", "drain", "inval"))]
        if down:
            cluster.run(["scontrol", "update", f"NodeName={','.join(down)}", "State=RESUME"], check=False)
        return seen

    wait_until(
        "the nodes to be in service",
        states,
        lambda seen: set(seen) == wanted and all(state in ("idle", "mixed", "allocated") for state in seen.values()),
        interval=0.5,
    )


def _reservations(cluster: Cluster) -> list[str]:
    printed = cluster.run(["scontrol", "-o", "show", "reservation"], check=False).stdout
    return [line.split()[0].partition("=")[2] for line in printed.splitlines() if line.startswith("ReservationName=")]
