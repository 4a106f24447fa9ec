"""Answers of Slurm's own commands, which the tests compare the service's answers with."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from .shell import Shell

JsonObject = dict[str, Any]

_KEY = re.compile(r"(?:^|\s+)([A-Za-z][\w:/()]*)=")


class Truth:
    """Runs Slurm's commands inside the root as root, who may see everything."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def scontrol_json(self, *words: str) -> JsonObject:
        """Returns `scontrol show WORDS --json`, for example `scontrol_json("job", "12")`."""
        return self._json("scontrol", "show", *words)

    @property
    def api_version(self) -> str:
        """Returns the newest version of Slurm's data model, as in slurmrestd's paths: such as `v0.0.45`."""
        plugin = self.scontrol_json("partitions")["meta"]["plugin"]["data_parser"]
        return str(plugin).rpartition("/")[2]

    def squeue_json(self) -> list[JsonObject]:
        """Returns every job of slurmctld, in any state, in the order of `squeue`."""
        return cast("list[JsonObject]", self._json("squeue", "--all", "--states=all")["jobs"])

    def sinfo_json(self) -> list[JsonObject]:
        """Returns the groups of nodes that `sinfo` shows, hidden partitions included."""
        return cast("list[JsonObject]", self._json("sinfo", "--all")["sinfo"])

    def nodes_json(self) -> dict[str, JsonObject]:
        """Returns every node by name, as `scontrol show node` has it."""
        return {node["name"]: node for node in self.scontrol_json("nodes")["nodes"]}

    def partitions_json(self) -> dict[str, JsonObject]:
        """Returns every partition by name, as `scontrol show partition` has it."""
        return {partition["name"]: partition for partition in self.scontrol_json("partitions")["partitions"]}

    def sdiag_json(self) -> JsonObject:
        """Returns the scheduler's statistics."""
        return cast("JsonObject", self._json("sdiag")["statistics"])

    def sacct_json(self, *options: str) -> list[JsonObject]:
        """Returns job records of the accounting database, of all users. `options` such as `-j 12` select them."""
        return cast("list[JsonObject]", self._json("sacct", "--allusers", *options)["jobs"])

    def scontrol_show(self, kind: str, name: str) -> dict[str, str]:
        """Returns one record of `scontrol -o -d show KIND NAME`: key → text as printed.

        For a job with tasks or components it is the first of their records.
        """
        return parse_record(self.shell.output("scontrol", "-o", "-d", "show", kind, name).splitlines()[0])

    def job_state(self, job: int | str) -> str:
        """Returns the base state of a job in slurmctld, `UNKNOWN` if it has no such job."""
        done = self.shell.run(["squeue", "-h", "-a", "--states=all", "-j", str(job), "-o", "%T"], check=False)
        return done.stdout.split()[0] if done.returncode == 0 and done.stdout.strip() else "UNKNOWN"

    def node_state(self, node: str) -> str:
        """Returns the state of a node as `scontrol` prints it, such as `IDLE+DRAIN`."""
        return self.scontrol_show("node", node)["State"]

    def sacct_state(self, job: int | str) -> str:
        """Returns the state of a job in the accounting database, `UNKNOWN` until it is there."""
        lines = self._sacct(["-X", "-j", str(job), "-o", "State"])
        return lines[0][0].split()[0] if lines else "UNKNOWN"

    def _sacct(self, options: Sequence[str]) -> list[list[str]]:
        printed = self.shell.output("sacct", "-n", "-P", "--allusers", *options)
        return [line.split("|") for line in printed.splitlines()]

    def _json(self, *argv: str) -> JsonObject:
        return cast("JsonObject", json.loads(self.shell.output(*argv, "--json")))


def parse_record(line: str) -> dict[str, str]:
    """Parses a line `Key=value …`. A value may have spaces but no ` Key=`. The first of repeated keys counts."""
    record: dict[str, str] = {}
    pieces = _KEY.split(line.strip())[1:]
    for key, value in zip(pieces[::2], pieces[1::2], strict=True):
        record.setdefault(key, value.strip())
    return record
