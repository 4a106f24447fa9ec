"""Node lines as scontrol prints them, written after slurm_sprint_node_table() of node_info.c (Slurm 26.05)."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms

HEAD: dict[str, str | None] = {
    "NodeName": "rack005",
    "Arch": "x86_64",
    "CoresPerSocket": "4 ",
    "CPUAlloc": "6",
    "CPUEfctv": "16",
    "CPUTot": "16",
    "CPULoad": "0.33",
    "AvailableFeatures": "cpu,accelerated",
    "ActiveFeatures": "cpu",
    "Gres": "gpu:tesla:2",
    "GresDrain": "N/A",
    "GresUsed": "gpu:tesla:1(IDX:0)",
    "NodeAddr": "10.0.0.5",
    "NodeHostName": "host5",
    "Port": "17008",
    "Version": "26.05.5",
    "OS": "Linux 6.1.0-13-amd64 #1 SMP Debian 6.1.55-1 ",
    "RealMemory": "32000",
    "AllocMem": "400",
    "FreeMem": "13257",
    "Sockets": "2",
    "Boards": "1",
    "CoreSpecCount": None,
    "CPUSpecList": None,
    "MemSpecLimit": None,
    "State": "MIXED+DRAIN",
    "ThreadsPerCore": "2",
    "TmpDisk": "9000",
    "Weight": "1",
    "Owner": "N/A",
    "MCS_label": "N/A",
    "NextState": None,
    "Partitions": "main,high ",
    "BootTime": "1795700002",
    "SlurmdStartTime": "1795712990",
    "LastBusyTime": "1795712991",
    "ResumeAfterTime": "None",
    "SuspendTime": "INFINITE",
    "CfgTRES": "cpu=16,mem=32000M,billing=16,gres/gpu=2",
    "AllocTRES": "cpu=6,mem=400M,gres/gpu=1",
    "CurrentWatts": "0",
    "AveWatts": "0",
}
"""Keys in Slurm's order, None for those that this node lacks. Slurm prints a second blank after some values."""


def node_line(
    reason: str | None = None,
    comment: str | None = None,
    extra: str | None = None,
    *,
    user: str = "root",
    time: int | None = 1795713468,
    **changed: str | None,
) -> bytes:
    """Returns one line. `changed` replaces values of HEAD. `time` None is a reason without user and time."""
    assert changed.keys() <= HEAD.keys()
    parts = [f"{key}={value}" for key, value in {**HEAD, **changed}.items() if value is not None]
    if reason:
        # strtok_r() drops empty lines.
        first, *others = [line for line in reason.split("\n") if line] or [""]
        stamp = f" [{user}@{time}]" if time else ""
        parts.append("Reason=" + " ".join([f"{first}{stamp}", *(f"       {line}" for line in others)]))
    parts += [f"Comment={comment}"] if comment is not None else []
    parts += [f"Extra={extra}"] if extra is not None else []
    return " ".join(parts).encode()


class PrintedNodes(SlurmPrograms):
    """scontrol with the nodes of a test.

    Args:
        nodes: What scontrol prints for each node, which `node_line` returns.
    """

    def __init__(self, *nodes: bytes) -> None:
        super().__init__()
        self.nodes = nodes
        self.texts: dict[str, Any] | None = None
        self.asked: list[str] = []
        """Names that scontrol was asked for, as JSON too. Each command is one text without the separators."""

    def pieces(self, separator: bytes, program: str, *arguments: str) -> Generator[bytes]:
        *_, last = arguments
        if last == "node":
            printed = b"\n".join(self.nodes)
            yield from printed.split(separator)
            return
        names = last.split(",")
        self.asked.append(",".join(names[::2]))
        by_name = {node.split(b" ")[0].removeprefix(b"NodeName=").decode(): node for node in self.nodes}
        found = [by_name.get(name, f"Node {name} not found".encode()) + b"\n" for name in names]
        yield from b"".join(found).removesuffix(separator).split(separator)
        if any(name not in by_name for name in names):
            raise ProgramFailed(program, 1, "")

    def text(self, program: str, *arguments: str) -> str:
        self.asked.append(f"{arguments[2]} {arguments[3]}")
        if self.texts is None:
            raise ProgramFailed(program, 1, "JSON plugin load failure")
        return json.dumps({"nodes": [self.texts]})
