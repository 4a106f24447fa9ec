"""Reads all nodes with scontrol, and asks singly for those whose texts can be read in two ways."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterable
from typing import Final

import orjson

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_text import Release
from slurm_rest_api.slurmapi.sources.commands.nodes import (
    NodeContext,
    doubtful_nodes,
    json_texts,
    node_lines,
    node_record,
)
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_NODES, Rpcs
from slurm_rest_api.slurmapi.sources.commands.single_job import JSON_SINCE
from slurm_rest_api.slurmapi.sources.hostlists import expand_known

logger = logging.getLogger(__name__)

SINGLE_NODES: Final = 32
"""Nodes that are asked for singly in one load."""

_NODE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Matches a name that scontrol takes for one node, not for an option or a hostlist."""

_NAME: Final = re.compile(rb"NodeName=([^ ]+)")
_TEXTS: Final = re.compile(rb" (?:Reason|Comment|Extra)=")


class NodeReader:
    """Reads the nodes of loads. It remembers records by their lines, and texts that were asked for singly.

    Args:
        programs: Slurm's commands.
    """

    def __init__(self, programs: SlurmPrograms) -> None:
        self._programs = programs
        self._parsed: dict[str, tuple[int, bytes]] = {}
        self._answers: dict[str, tuple[int, Record]] = {}
        self._reported: set[str] = set()
        self._asked = 0

    def read(self, context: NodeContext, partitions: Iterable[Record], release: Release, rpcs: Rpcs) -> list[Record]:
        """Returns the records of all nodes.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        self._asked = 0
        rpcs.add(SHOW_NODES)
        lines = list(node_lines(self._programs.lines("scontrol", "-d", "-o", "-a", "show", "node")))
        members = _Members(partition["nodes"] for partition in partitions)
        doubtful = doubtful_nodes(lines, members)
        clear = {name: line for line in lines if (name := _name_of(line)) not in doubtful}
        for name in doubtful[:SINGLE_NODES]:
            line = self._line(name, rpcs)
            if line is not None:
                clear[name] = line
        records = [self._record(name, line, context, release, rpcs) for name, line in clear.items()]
        self._answers = {name: answer for name, answer in self._answers.items() if name in clear}
        self._parsed = {name: parsed for name, parsed in self._parsed.items() if name in clear}
        return [record for record in records if record is not None]

    def _line(self, name: str, rpcs: Rpcs) -> bytes | None:
        """Returns the line of one node, None if there is no such node."""
        if not _NODE_NAME.fullmatch(name):
            return None
        rpcs.add(SHOW_NODES)
        lines: list[bytes] = []
        try:
            lines.extend(self._programs.lines("scontrol", "-d", "-o", "-a", "show", "node", name))
        except ProgramFailed as error:
            # scontrol prints to its standard output that there is no such node.
            if b"Node %s not found" % name.encode() in lines or "Invalid node name" in error.message:
                return None
            raise
        return b"\n".join(lines)

    def _record(self, name: str, line: bytes, context: NodeContext, release: Release, rpcs: Rpcs) -> Record | None:
        key = hash((line, context.cluster, context.slurmd_port, release))
        parsed = self._parsed.get(name)
        if parsed is not None and parsed[0] == key:
            record: Record = orjson.loads(parsed[1])
            return record
        try:
            node = node_record(line, context)
        except ValueError as error:
            if name not in self._reported:
                self._reported.add(name)
                logger.warning("Node %s is left out: %s. Run `scontrol show node %s` to check.", name, error, name)
            return None
        if node.doubtful and release >= JSON_SINCE:
            return node.record | self._texts(name, line, context, rpcs)
        # A name service that did not answer is asked again.
        if node.record["reason_uid"] is not None or node.record["reason_user"] is None:
            # A copy as JSON has a fifth of the size of the record.
            self._parsed[name] = key, orjson.dumps(node.record)
        return node.record

    def _texts(self, name: str, line: bytes, context: NodeContext, rpcs: Rpcs) -> Record:
        """Returns the texts of one node from JSON. They are asked for once, until they change."""
        found = _TEXTS.search(line)
        key = hash(line[found.start() :] if found else line)
        answer = self._answers.get(name)
        if answer is not None and answer[0] == key:
            return answer[1]
        if self._asked >= SINGLE_NODES:
            return {}
        self._asked += 1
        rpcs.add(SHOW_NODES)
        try:
            texts = json_texts(self._programs.text("scontrol", "show", "node", name, "--json"), context.names)
        except ProgramFailed as error:
            if not error.is_without_json:
                raise
            texts = {}
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("The texts of node %s cannot be read from JSON: %s. They are null.", name, error)
            texts = {}
        self._answers[name] = (key, texts)
        return texts


class _Members:
    """The nodes in partitions. The hostlists are expanded when a node is asked for, which is seldom."""

    def __init__(self, hostlists: Iterable[str | None]) -> None:
        self._hostlists = hostlists
        self._names: set[str] | None = None

    def __contains__(self, name: object) -> bool:
        if self._names is None:
            self._names = {node for hostlist in self._hostlists for node in _expanded(hostlist)}
        return name in self._names


@functools.lru_cache(maxsize=256)
def _expanded(hostlist: str | None) -> tuple[str, ...]:
    return tuple(expand_known(hostlist))


def _name_of(line: bytes) -> str:
    match = _NAME.match(line)
    return match[1].decode(errors="replace") if match else ""
