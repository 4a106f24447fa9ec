"""Reads all nodes with scontrol, and asks singly for those whose texts can be read in two ways."""

from __future__ import annotations

import logging
import re
from typing import Final

import orjson

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_text import Release
from slurm_rest_api.slurmapi.sources.commands.node_proof import NodeProof
from slurm_rest_api.slurmapi.sources.commands.nodes import (
    NodeContext,
    json_texts,
    node_lines,
    node_record,
)
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_NODES, Rpcs
from slurm_rest_api.slurmapi.sources.commands.single_job import JSON_SINCE

logger = logging.getLogger(__name__)

SINGLE_NODES: Final = 32
"""Nodes whose texts are asked for singly in one load."""

_TEXTS: Final = re.compile(rb" (?:Reason|Comment|Extra)=")


class NodeReader:
    """Reads the nodes of loads. It remembers records by their lines, and texts that were asked for singly.

    Args:
        programs: Slurm's commands.
    """

    def __init__(self, programs: SlurmPrograms) -> None:
        self._programs = programs
        self._proof = NodeProof(programs)
        self._parsed: dict[str, tuple[int, bytes]] = {}
        self._answers: dict[str, tuple[int, Record]] = {}
        self._reported: set[str] = set()
        self._asked = 0

    def read(self, context: NodeContext, release: Release, rpcs: Rpcs) -> list[Record]:
        """Returns the records of all nodes.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        self._asked = 0
        rpcs.add(SHOW_NODES)
        lines = node_lines(self._programs.lines("scontrol", "-d", "-o", "-a", "show", "node"))
        clear = self._proof.whole_lines(lines, rpcs)
        records = [self._record(name, line, context, release, rpcs) for name, line in clear.items()]
        self._answers = {name: answer for name, answer in self._answers.items() if name in clear}
        self._parsed = {name: parsed for name, parsed in self._parsed.items() if name in clear}
        return [record for record in records if record is not None]

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
