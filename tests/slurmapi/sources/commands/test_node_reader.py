"""Reading all nodes: unchanged lines, nodes that a text makes up, and texts from JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands import node_reader
from slurm_rest_api.slurmapi.sources.commands.node_reader import NodeReader
from slurm_rest_api.slurmapi.sources.commands.nodes import NodeContext, ParsedNode, node_record
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_NODES, Rpcs
from tests.slurmapi.sources.commands.printed_nodes import PrintedNodes, node_line


class Reading:
    """Loads with one reader."""

    def __init__(self, *nodes: bytes) -> None:
        self.programs = PrintedNodes(*nodes)
        self.reader = NodeReader(self.programs)
        self.ids = {"root": 0}
        self.names = UserNames(user_id=lambda name: self.ids[name], life_seconds=0)

    def load(self, cluster: str = "testbed") -> dict[str, Record]:
        self.rpcs = Rpcs()
        self.names.expire()
        context = NodeContext(self.names, cluster, 6818, (26, 5))
        records = self.reader.read(context, (26, 5), self.rpcs)
        return {record["name"]: record for record in records}


def test_an_unchanged_line_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(node_line("fan"), node_line(NodeName="rack006"))
    first = reading.load()
    parsed: list[bytes] = []

    def parse(line: bytes, context: NodeContext) -> ParsedNode:
        parsed.append(line)
        return node_record(line, context)

    monkeypatch.setattr(node_reader, "node_record", parse)
    assert reading.load() == first
    assert parsed == []
    reading.programs.nodes = (node_line("fan"), node_line(NodeName="rack006", CPUAlloc="7"))
    assert reading.load()["rack006"]["alloc_cpus"] == 7
    assert parsed == [reading.programs.nodes[1]]
    assert reading.rpcs.total == SHOW_NODES


def test_a_record_does_not_change_with_the_one_that_was_read_before() -> None:
    reading = Reading(node_line())
    reading.load()["rack005"]["partitions"].clear()
    assert reading.load()["rack005"]["partitions"] == ["main", "high"]


def test_another_name_of_the_cluster_is_read() -> None:
    reading = Reading(node_line())
    assert reading.load("a")["rack005"]["cluster"] == "a"
    assert reading.load("b")["rack005"]["cluster"] == "b"


def test_a_user_who_was_unknown_is_asked_for_again() -> None:
    reading = Reading(node_line("fan", user="alice"))
    assert reading.load()["rack005"]["reason_uid"] is None
    reading.ids["alice"] = 2001
    assert reading.load()["rack005"]["reason_uid"] == 2001


def test_a_node_that_a_comment_makes_up_is_no_node() -> None:
    made_up = node_line(NodeName="evil", State="DOWN").decode()
    comment = f"x\n{made_up}\n{made_up}"
    reading = Reading(node_line(comment=comment), node_line(NodeName="rack006"))
    found = reading.load()
    assert list(found) == ["rack006", "rack005"]
    assert found["rack005"]["comment"] == comment
    # The names, then the texts of the node that has the made up line.
    assert (reading.programs.asked, reading.rpcs.total) == (["evil,rack006", "rack005"], 3 * SHOW_NODES)
    reading.programs.nodes = (node_line(comment=comment, State="IDLE"), node_line(NodeName="rack006"))
    found = reading.load()
    assert (found["rack005"]["state"], found["rack005"]["comment"]) == ("IDLE", comment)
    assert reading.rpcs.total == SHOW_NODES


def test_a_node_that_a_comment_prints_again_is_read_alone() -> None:
    changed = node_line(NodeName="rack006", State="DOWN").decode()
    reading = Reading(
        node_line(), node_line(NodeName="rack006"), node_line(NodeName="rack007", comment=f"y\n{changed}")
    )
    for commands in (3, 2):
        found = reading.load()
        assert sorted(found) == ["rack005", "rack006", "rack007"]
        assert (found["rack006"]["state"], found["rack007"]["comment"]) == ("MIXED+DRAIN", f"y\n{changed}")
        assert reading.rpcs.total == commands * SHOW_NODES


def test_names_after_a_text_are_proved_once() -> None:
    nodes = [node_line(NodeName="rack006", comment="c"), node_line(NodeName="spare1"), node_line(NodeName="spare2")]
    reading = Reading(*nodes)
    assert sorted(reading.load()) == ["rack006", "spare1", "spare2"]
    assert (reading.programs.asked, reading.rpcs.total) == (["spare1,spare2"], 2 * SHOW_NODES)
    reading.load()
    assert reading.rpcs.total == SHOW_NODES
    reading.programs.nodes = (nodes[0], nodes[2])
    assert sorted(reading.load()) == ["rack006", "spare2"]
    assert reading.rpcs.total == 2 * SHOW_NODES


def test_a_node_that_disappears_between_two_commands_is_no_text() -> None:
    reading = Reading(node_line(comment="c"), node_line(NodeName="rack006"))
    pieces = reading.programs.pieces

    def disappearing(*arguments: Any) -> Iterator[bytes]:
        yield from pieces(*arguments)
        reading.programs.nodes = reading.programs.nodes[:1]

    reading.programs.pieces = disappearing  # type: ignore[method-assign,assignment]
    assert reading.load()["rack005"]["comment"] == "c"


def test_a_name_that_is_an_option_or_a_hostlist_is_no_node() -> None:
    for name in ("--version", "rack[005-999]", "a,b"):
        made_up = node_line(NodeName=name).decode()
        reading = Reading(node_line(comment=f"x\n{made_up}"))
        assert list(reading.load()) == ["rack005"]
        assert reading.programs.asked == ["rack005"]


def test_slurmctld_that_ends_between_two_commands_ends_the_load() -> None:
    reading = Reading(node_line(comment="c"), node_line(NodeName="rack006"))
    pieces = reading.programs.pieces

    def failing(separator: bytes, program: str, *arguments: str) -> Iterator[bytes]:
        if arguments[-1] == "node":
            yield from pieces(separator, program, *arguments)
        else:
            raise ProgramFailed(program, 1, "Unable to contact slurm controller")

    reading.programs.pieces = failing  # type: ignore[method-assign,assignment]
    with pytest.raises(ProgramFailed, match="contact"):
        reading.load()


def test_doubtful_texts_are_asked_for_once() -> None:
    reading = Reading(node_line("fan", "c", "e"))
    reading.programs.texts = {"comment": "c Extra=e", "extra": "", "reason": "fan", "reason_set_by_user": "root"}
    assert reading.load()["rack005"]["comment"] == "c Extra=e"
    assert reading.rpcs.total == 2 * SHOW_NODES
    reading.programs.nodes = (node_line("fan", "c", "e", CPUAlloc="7"),)
    found = reading.load()["rack005"]
    assert (found["comment"], found["extra"], found["alloc_cpus"]) == ("c Extra=e", None, 7)
    assert (reading.rpcs.total, reading.programs.asked) == (SHOW_NODES, ["rack005 --json"])


def test_doubtful_texts_are_null_without_json() -> None:
    """Slurm may be built without JSON. The load goes on."""
    found = Reading(node_line("fan", "c", "e")).load()["rack005"]
    assert (found["reason"], found["comment"], found["extra"]) == ("fan", None, None)
