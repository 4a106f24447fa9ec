"""Node records do not depend on what the texts of this node and of others contain."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import NodeRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.node_reader import NodeReader
from slurm_rest_api.slurmapi.sources.commands.nodes import NodeContext
from slurm_rest_api.slurmapi.sources.commands.rpcs import Rpcs
from tests.builders import with_collected_fields
from tests.property_tests import examples
from tests.slurmapi.sources.commands.printed_nodes import HEAD, PrintedNodes, node_line

TEXTS = ("reason", "comment", "extra")
STAMPED = ("reason", "reason_time", "reason_uid", "reason_user")
CONTEXT = NodeContext(UserNames(user_id={"root": 0, "alice": 2001}.__getitem__), cluster="testbed", slurmd_port=6818)


def read(programs: PrintedNodes, reader: NodeReader | None = None) -> dict[str, Record]:
    """Returns the records by name."""
    records = (reader or NodeReader(programs)).read(CONTEXT, (26, 5), Rpcs())
    for node in with_collected_fields(records):
        NodeRecord.model_validate(node)
    return {node["name"]: node for node in records}


def record(*args: Any, **changed: Any) -> Record:
    (node,) = read(PrintedNodes(node_line(*args, **changed))).values()
    return node


KEYS = [
    *(f" {key}=" for key in (*HEAD, "Reason", "Comment", "Extra", "InstanceId", "ReservationName", "Topology")),
    " [root@1]",
    " [alice@1795713468]",
    "[",
    "]",
    "@",
    " ",
    "        ",
    "=",
    "\n",
    "gpu:4090:2",
    "(null)",
    "N/A",
    "\r",
    "ü",
    "x",
]
LINES = [
    "NodeName=rack009 Arch=x CoresPerSocket=1",
    "\nNodeName=rack006 Arch=x CoresPerSocket=1",
    "\n" + node_line(NodeName="rack009", State="DOWN").decode() + "\n",
    node_line(comment="a", NodeName="rack006", State="DOWN").decode(),
]
HOSTILE = st.lists(st.sampled_from(KEYS + LINES), min_size=1, max_size=8).map("".join) | st.text(
    min_size=1, max_size=20
)


@examples(300)
@given(reason=st.none() | HOSTILE, comment=st.none() | HOSTILE, extra=st.none() | HOSTILE)
def test_no_text_changes_another_field(reason: str | None, comment: str | None, extra: str | None) -> None:
    """Every text is as it was written or null, and all other fields and nodes are as without the texts."""
    reason = reason if reason and reason.strip("\n") else None
    others = [node_line(NodeName=name) for name in ("rack004", "rack006", "rack007")]
    programs = PrintedNodes(others[0], node_line(reason, comment, extra, user="alice"), *others[1:])
    reader = NodeReader(programs)
    nodes = read(programs, reader)
    plain = read(PrintedNodes(others[0], node_line(), *others[1:]))
    assert read(programs, reader) == nodes
    node = nodes.pop("rack005")
    assert {name: value for name, value in node.items() if name not in (*TEXTS, *STAMPED)} == {
        name: value for name, value in plain.pop("rack005").items() if name not in (*TEXTS, *STAMPED)
    }
    assert nodes == plain
    assert node["comment"] in (comment or None, None)
    assert node["extra"] in (extra or None, None)
    # A line of a reason that has eight blanks itself is printed as two lines.
    lines = "\n".join(filter(None, reason.split("\n"))) if reason else None
    assert (node["reason"] or "").replace(" " * 8, "\n") in ((lines or "").replace(" " * 8, "\n"), "")
    assert node["reason_user"] in (None, "alice")
    assert node["reason_time"] in (None, 1795713468)


@given(reason=st.text(alphabet="abc =[]@\r", min_size=1), comment=st.text(alphabet="abc =[]@\n"))
def test_texts_without_keys_are_never_doubtful(reason: str, comment: str) -> None:
    node = record(reason, comment)
    if " " * 8 not in reason:
        assert node["reason"] == reason
    assert node["comment"] == (comment or None)


@examples(100)
@given(features=st.lists(st.sampled_from([key for key in KEYS if key != "\n"]), max_size=6).map("".join))
def test_no_feature_changes_another_field(features: str) -> None:
    node = record(AvailableFeatures="x" + features)
    assert node["features"] in ("x" + features, None)
    assert node["features_active"] in ("cpu", None)
    assert node | {"features": None, "features_active": None} == record() | {"features": None, "features_active": None}
