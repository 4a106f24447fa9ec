"""Removes a set of node names from the texts in which Slurm names nodes."""

from __future__ import annotations

import re
from typing import Any

from slurm_rest_api.slurm import hostlist

# As in `ReqNodeNotAvail,_UnavailableNodes:rack[007-008]`.
_REASON_NODES = "Nodes:"

# Options of sbatch, srun and salloc that name nodes: -w/--nodelist and -x/--exclude, also shortened.
_NODE_OPTION = re.compile(r"(?:^|\s)(?:-w|-x|--nodel\w*|--exclude|--exclud|--exclu)[\s=]*[\"']?([^\s\"']+)")


class NodeNames(frozenset[str]):
    """Names of nodes. Each `without…` returns its argument without them, unchanged if it has none of them.

    Texts that should be hostlists but cannot be parsed are removed as a whole, because they may name any node.
    """

    def without(self, text: str) -> str | None:
        """Returns a hostlist text without these nodes, or None if no node is left."""
        if text in self:
            return None
        try:
            return hostlist.subtract(text, self) or None
        except ValueError:
            return None

    def without_pieces(self, pieces: list[str]) -> list[str]:
        """Does the same for the list form of 2018: a hostlist split at every comma, also inside brackets."""
        text = ",".join(pieces)
        shown = self.without(text)
        if shown == text:
            return pieces
        return shown.split(",") if shown else []

    def without_in_reason(self, reason: str) -> str:
        """Returns a pending reason without these nodes, and without the part about nodes if none is left.

        If the first word has one of the names, the result is the text `None`, Slurm's word for no reason.
        """
        if reason.isalpha():
            return reason
        head, separator, text = reason.rpartition(_REASON_NODES)
        if separator:
            shown = self.without(text)
            return head + separator + shown if shown else self._first_word(head)
        return self._first_word(reason) if self._are_in(reason) else reason

    def in_command(self, line: str) -> bool:
        """Returns True if a node option of a Slurm command line names one of these nodes."""
        if not self or ("-w" not in line and "-x" not in line and "--nodel" not in line and "--exclu" not in line):
            return False
        return any(self.without(text) != text for text in _NODE_OPTION.findall(line))

    def without_in_host_fields(self, value: Any) -> Any:
        """Returns JSON data without these nodes in fields whose names contain "host" or "node".

        No field of the statistics is known to have names of nodes, but Slurm itself keeps the hosts of pending RPCs.
        """
        if not self:
            return value
        if isinstance(value, dict):
            return {key: self._shown_field(key, entry) for key, entry in value.items()}
        return [self.without_in_host_fields(entry) for entry in value] if isinstance(value, list) else value

    def _shown_field(self, key: str, value: Any) -> Any:
        if not any(word in key.lower() for word in ("host", "node")):
            return self.without_in_host_fields(value)
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return self.without_pieces(value)
        return self.without_in_host_fields(value)

    def _first_word(self, reason: str) -> str:
        """Returns `ReqNodeNotAvail` of `ReqNodeNotAvail,_Unavailable…`: the reason's name without details."""
        word = reason.partition(",")[0]
        return "None" if self._are_in(word) else word

    def _are_in(self, text: str) -> bool:
        return any(name in text for name in self)
