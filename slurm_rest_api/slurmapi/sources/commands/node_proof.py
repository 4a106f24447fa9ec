"""Proves which lines of `scontrol show node` begin a node: a text with a newline may contain a whole line of a node.

scontrol prints nodes that are asked for by name in the order of the names, and `Node NAME not found` for an unknown
name. So an unknown random name between two nodes separates their output, whatever their texts contain.
Sources: scontrol_print_node() of src/scontrol/info_node.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

import itertools
import re
import secrets
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.commands.nodes import is_open, line_name
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_NODES, Rpcs

MOST_NODES: Final = 65536
"""Names that are asked for in one load. MAX_SLURM_NODES of slurm.h is 65,533."""

NAMES_OF_A_COMMAND: Final = 1500
"""Names in one command. Linux limits one argument to 128 KiB."""

_SEPARATOR_LETTERS: Final = 20
_NODE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""Matches a name that scontrol takes for one node, not for an option or a hostlist. slurmctld allows 64 letters."""


class NodeProof:
    """Finds the whole line of each node. It remembers which names no node has, until other names are printed.

    Args:
        programs: Slurm's commands.
    """

    def __init__(self, programs: SlurmPrograms) -> None:
        self._programs = programs
        self._printed: int | None = None
        self._made_up: frozenset[str] = frozenset()

    def whole_lines(self, lines: Iterable[bytes], rpcs: Rpcs) -> dict[str, bytes]:
        """Returns the line of each node by its name.

        It costs no RPC, unless the order of the names has changed or a text has the line of another node.

        Args:
            lines: The lines of `node_lines`. All after one that may end within a text are doubtful.
            rpcs: Counts the RPCs.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        heads = [(line_name(line), line) for line in lines]
        first = next((place for place, (_, line) in enumerate(heads, 1) if is_open(line)), len(heads))
        asked = dict.fromkeys(name for name, _ in heads[first:])
        if not asked:
            return dict(heads)
        printed = hash((first, *(name for name, _ in heads)))
        is_new = printed != self._printed
        if is_new:
            self._printed = None
            self._made_up = frozenset(asked.keys() - self._read(asked, rpcs).keys())
        joined = heads[:first]
        extended: set[str] = set()
        for name, line in heads[first:]:
            if name in self._made_up:
                before, start = joined.pop()
                joined.append((before, start + b"\n" + line))
                extended.add(before)
            else:
                joined.append((name, line))
        unclear = _repeated(joined) | (extended if is_new else set())
        found = self._read(unclear, rpcs) if unclear else {}
        # A node may have disappeared between two commands. Then its line is no part of a text.
        if is_new and all(found.get(name, b"").count(b"\n") == _newlines(name, joined) for name in extended):
            self._printed = printed
        return {name: line for name, line in joined if name not in unclear} | found

    def _read(self, names: Iterable[str], rpcs: Rpcs) -> dict[str, bytes]:
        """Returns the lines of those names that a node has."""
        asked = list(itertools.islice(filter(_NODE_NAME.fullmatch, names), MOST_NODES))
        return {
            name: line
            for start in range(0, len(asked), NAMES_OF_A_COMMAND)
            for name, line in self._read_some(asked[start : start + NAMES_OF_A_COMMAND], rpcs)
        }

    def _read_some(self, names: list[str], rpcs: Rpcs) -> Iterator[tuple[str, bytes]]:
        rpcs.add(SHOW_NODES)
        unknown = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_SEPARATOR_LETTERS))
        hostlist = ",".join(f"{name},{unknown}" for name in names)
        separator = f"Node {unknown} not found\n".encode()
        parts: list[bytes] = []
        try:
            parts.extend(self._programs.pieces(separator, "scontrol", "-d", "-o", "-a", "show", "node", hostlist))
        except ProgramFailed:
            # scontrol ends with an error status after an unknown name.
            if len(parts) != len(names):
                raise
        if len(parts) != len(names):
            raise SourceUnavailable(
                f"slurmctld cannot be read: scontrol printed {len(parts)} of {len(names)} nodes. Run `scontrol show "
                "node` on this host to check."
            )
        for name, part in zip(names, parts, strict=True):
            if part.startswith(f"NodeName={name} ".encode()):
                yield name, part.removesuffix(b"\n")


def _repeated(lines: list[tuple[str, bytes]]) -> set[str]:
    """Returns the names that two lines have, and the names before them, whose texts may go on."""
    counts = Counter(name for name, _ in lines)
    places = [place for place, (name, _) in enumerate(lines) if counts[name] > 1]
    return {lines[at][0] for place in places for at in (place - 1, place) if at >= 0}


def _newlines(name: str, lines: list[tuple[str, bytes]]) -> int:
    return sum(line.count(b"\n") for found, line in lines if found == name)
