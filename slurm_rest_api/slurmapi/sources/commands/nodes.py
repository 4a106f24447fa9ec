"""Converts the lines of `scontrol -d -o -a show node` to published node records.

Sources: slurm_sprint_node_table() of src/api/node_info.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from slurm_rest_api.slurm.gres import gres_texts, used_gres_texts
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.states import NodeState, node_state_text, parse_node_state
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.key_values import Key, Reading, RecordGrammar, joined_lines
from slurm_rest_api.slurmapi.sources.hostlists import expand_known

TEXT_FIELDS: Final = {"Reason": ("reason", "reason_time", "reason_uid", "reason_user"), "Comment": ("comment",)} | {
    "Extra": ("extra",)
}
"""Published fields by the keys whose texts administrators write."""

_ANY_STAMP: Final = r" \[([^\[\]]*)@(\d+|Unknown)\]"
_STAMP: Final = re.compile(_ANY_STAMP + r"(?=\Z| {8})")
"""Matches user and time, which scontrol adds to the first line of a reason. The other lines follow eight blanks."""

_LINE_BREAK: Final = " " * 8
_HEAD: Final = re.compile(rb"NodeName=([^ ]+) (?:RackMidplane=[^ ]+ )?(?:Arch=[^ ]* )?(?:CpuBind=[^ ]* +)?Cores\w+=\d")
_OPEN: Final = re.compile(rb" (?:Comment|Extra|InstanceId|InstanceType|Parameters)=")


def _is_reason(text: str) -> bool:
    """True for a text with user and time, and for one of slurm.conf, which has neither."""
    return _STAMP.search(text) is not None or not re.search(_ANY_STAMP, text)


def _is_owner(text: str) -> bool:
    return re.fullmatch(r"(?:N/A|.*\(\d+\)) *", text) is not None


_HEAD_KEYS: Final = RecordGrammar(
    (
        *(Key(name) for name in ("NodeName", "RackMidplane", "Arch", "CpuBind", "CoresPerSocket")),
        *(Key(name) for name in ("CPUAlloc", "CPUErr", "CPUEfctv", "CPUTot", "CPULoad")),
        Key("Features", is_text=True, then=("Gres",)),
        Key("AvailableFeatures", is_text=True, then=("ActiveFeatures",)),
        Key("ActiveFeatures", is_text=True, then=("Gres",)),
        *(Key(name) for name in ("Gres", "GresDrain", "GresUsed")),
        *(Key(name) for name in ("NodeAddr", "NodeHostName", "BcastAddr", "Port", "Version")),
        Key("OS", is_text=True, then=("RealMemory",)),
        *(Key(name) for name in ("RealMemory", "AllocMem", "FreeMem", "Sockets", "Boards")),
        *(Key(name) for name in ("CoreSpecCount", "CPUSpecList", "MemSpecLimit", "RestrictedCoresPerGPU")),
        *(Key(name) for name in ("State", "ThreadsPerCore", "TmpDisk", "Weight")),
        # A login name of a directory service may have blanks.
        Key("Owner", is_text=True, then=("MCS_label", "BootTime"), accepts=_is_owner),
        *(Key(name) for name in ("MCS_label", "NextState", "Partitions", "BootTime", "SlurmdStartTime")),
        *(Key(name) for name in ("LastBusyTime", "ResumeAfterTime", "SuspendTime", "CfgTRES", "AllocTRES")),
        *(Key(name) for name in ("CapWatts", "CurrentWatts", "LowestJoules", "ConsumedJoules")),
        *(Key(name, ends=True) for name in ("AveWatts", "ExtSensorsJoules", "ExtSensorsWatts", "ExtSensorsTemp")),
    ),
    first="NodeName",
)
_HEAD_END: Final = re.compile(
    r" CurrentWatts=[^ ]*(?: LowestJoules=[^ ]*)?(?: ConsumedJoules=[^ ]*)?(?: AveWatts=[^ ]*)?"
    r"(?: +ExtSensorsJoules=[^ ]* ExtSensorsWatts=[^ ]* ExtSensorsTemp=[^ ]*)?(?= |$)"
)
"""Matches the last keys before the texts of administrators."""

_TAIL_KEYS: Final = (
    ((15, 8), Key("Reason", is_text=True, ends=True, accepts=_is_reason)),
    ((20, 11), Key("Comment", is_text=True, ends=True)),
    ((21, 8), Key("Extra", is_text=True, ends=True)),
    *(((23, 11), Key(name, is_text=True, ends=True)) for name in ("InstanceId", "InstanceType")),
    ((23, 2), Key("ReservationName", ends=True)),
    *(((25, 5), Key(name, ends=True)) for name in ("TLSCertTokenSet", "TLSCertLastRenewal")),
    ((25, 5), Key("Topology", is_text=True, ends=True)),
    ((25, 11), Key("Parameters", is_text=True, ends=True)),
)
"""Keys after the head, with the release that has each first."""
_COMMENT_ALWAYS: Final = (20, 11)
"""The release that prints `Comment=(null)` for a node without a comment."""


@functools.cache
def _tail_keys(release: tuple[int, int]) -> RecordGrammar:
    keys = [key for since, key in _TAIL_KEYS if since <= release]
    if release == _COMMENT_ALWAYS:
        keys[0] = Key("Reason", is_text=True, then=("Comment",), accepts=_is_reason)
    return RecordGrammar(keys)


_LATEST: Final = (99, 0)
_HEAD_TEXTS: Final = frozenset(("Features", "AvailableFeatures", "ActiveFeatures", "OS", "Owner"))
_MOST_ENDS: Final = 20

_NO_STATE_FLAG: Final = {"POWER": "POWERED_DOWN"}
"""scontrol's word until 20.11 for the flag that is POWERED_DOWN since 21.08."""


@dataclass(frozen=True, slots=True)
class NodeContext:
    """Facts that a node's line lacks.

    Attributes:
        names: Ids of users.
        cluster: Name of the cluster.
        slurmd_port: SlurmdPort of slurm.conf, which scontrol leaves out. None before 17.02, which has no `Port`.
        release: Major and minor number of scontrol. A release has fewer keys that a text may be taken for.
    """

    names: UserNames
    cluster: str | None = None
    slurmd_port: int | None = None
    release: tuple[int, int] = _LATEST


@dataclass(frozen=True, slots=True)
class ParsedNode:
    """One node.

    Attributes:
        record: The published record. A text that can be read in two ways is null.
        doubtful: Keys of TEXT_FIELDS that can be read in two ways. `json_texts` reads them from JSON.
    """

    record: Record
    doubtful: frozenset[str]


def node_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Returns one line for each node. A line that opens no node belongs to a text with a newline.

    A text may also have a line that opens a node. `NodeProof` finds it.
    """
    return joined_lines(lines, _HEAD)


def line_name(line: bytes) -> str:
    """Returns the name of the node that a line of `node_lines` is about."""
    match = _HEAD.match(line)
    return match[1].decode(errors="replace") if match else ""


def is_open(line: bytes) -> bool:
    """Returns True if a line may end within a text. A reason has no newline: scontrol prints blanks."""
    return _OPEN.search(line) is not None or b" CurrentWatts=" not in line


def node_record(line: bytes, context: NodeContext) -> ParsedNode:
    """Returns the record of one line of `node_lines`.

    Raises:
        ValueError: The line is no node, or a text makes its state or resources doubtful.
    """
    head, tail = _readings(line.decode(errors="replace"), _tail_keys(context.release))
    unclear = head.doubtful - _HEAD_TEXTS
    if unclear:
        raise ValueError(f"node {head.get('NodeName')} can be read in two ways: {', '.join(sorted(unclear))}")
    record = {**_state(head, context), **_texts(tail, context.names), **_resources(head), **_hardware(head, context)}
    doubtful = tail.doubtful & TEXT_FIELDS.keys()
    if record["reason"] is None and tail.get("Reason"):
        doubtful |= {"Reason"}
    return ParsedNode(record, doubtful)


def _readings(line: str, tail_keys: RecordGrammar) -> tuple[Reading, Reading]:
    """Returns what Slurm wrote, and the texts of administrators that follow it.

    A feature may contain ` CurrentWatts=0`, so the first end is not always the right one.
    """
    for end in itertools.islice(_HEAD_END.finditer(line), _MOST_ENDS):
        try:
            head = _HEAD_KEYS.read(line[: end.end()])
        except ValueError:
            continue
        tail = line[end.end() :]
        try:
            return head, tail_keys.read(tail) if tail.strip(" ") else Reading()
        except ValueError:
            # Keys of a later release with blanks in their values.
            return head, Reading(doubtful=frozenset(key for key in TEXT_FIELDS if f" {key}=" in tail))
    raise ValueError(f"expected a node in Slurm's order of keys: {line[:40]!r}")


def json_texts(text: str, names: UserNames) -> Record:
    """Returns the fields of TEXT_FIELDS from `scontrol show node NAME --json`, which scontrol has since 23.02.

    Raises:
        ValueError: The text is not that of one node.
    """
    nodes = json.loads(text)["nodes"]
    if not isinstance(nodes, list) or len(nodes) != 1:
        raise ValueError("expected the JSON of one node")
    node = nodes[0]
    reason, user = node.get("reason") or None, node.get("reason_set_by_user") or None
    return {
        "reason": reason,
        "reason_time": _json_number(node.get("reason_changed_at")) if reason else None,
        "reason_uid": names.uid_of(user) if reason else None,
        "reason_user": user if reason else None,
        "comment": node.get("comment") or None,
        "extra": node.get("extra") or None,
    }


def _json_number(value: Any) -> int | None:
    """A number of Slurm's JSON, which is an object with `set` and `number` since 23.11."""
    if isinstance(value, dict):
        value = value.get("number") if value.get("set") else None
    return value or None


def _state(a: Reading, context: NodeContext) -> Record:
    state = _node_state(a.get("State"))
    return {
        "name": a.get("NodeName"),
        "cluster": context.cluster,
        "state": node_state_text(state),
        "state_base": state.base,
        "state_flags": list(state.flags),
        "next_state": a.word("NextState"),
        "boot_time": a.number("BootTime") or 0,
        "slurmd_start_time": a.number("SlurmdStartTime") or 0,
        "last_busy": a.number("LastBusyTime") or 0,
    }


def _texts(a: Reading, names: UserNames) -> Record:
    return {
        **_reason(a.get("Reason"), names),
        "comment": a.get("Comment") or None,
        "extra": a.get("Extra") or None,
    }


def _node_state(text: str | None) -> NodeState:
    state = parse_node_state(text)
    flags = dict.fromkeys(_NO_STATE_FLAG.get(flag, flag) for flag in state.flags)
    return NodeState(state.base, tuple(flags))


def _reason(text: str | None, names: UserNames) -> Record:
    """`fan [root@1795713468]` → reason, time, and the user's id and name."""
    stamps = list(_STAMP.finditer(text or ""))
    if text is None or len(stamps) > 1:
        # With two stamps, a line of the reason may have one itself.
        return dict.fromkeys(TEXT_FIELDS["Reason"])
    if not stamps:
        return {"reason": text or None, "reason_time": None, "reason_uid": None, "reason_user": None}
    (stamp,) = stamps
    more_lines = text[stamp.end() :].replace(_LINE_BREAK, "\n")
    user = stamp[1]
    return {
        "reason": text[: stamp.start()] + more_lines,
        "reason_time": int(stamp[2]) if stamp[2].isdecimal() else None,
        "reason_uid": names.uid_of(user),
        "reason_user": user or None,
    }


def _resources(a: Reading) -> Record:
    cpus, alloc_cpus, err_cpus = a.number("CPUTot") or 0, a.number("CPUAlloc") or 0, a.number("CPUErr") or 0
    effective = a.number("CPUEfctv")
    if effective is None:
        effective = max(cpus - _reserved_cpus(a), 0)
    memory, alloc_mem = a.number("RealMemory") or 0, a.number("AllocMem") or 0
    reserved_mem = a.number("MemSpecLimit") or 0
    return {
        "cpus": cpus,
        "effective_cpus": effective,
        "alloc_cpus": alloc_cpus,
        "idle_cpus": max(effective - alloc_cpus - err_cpus, 0),
        "err_cpus": err_cpus,
        "cpu_load": _load(a.get("CPULoad")),
        "real_memory": memory,
        "alloc_mem": alloc_mem,
        "idle_mem": max(memory - reserved_mem - alloc_mem, 0),
        "free_mem": a.number("FreeMem"),
        "mem_spec_limit": reserved_mem,
        "tmp_disk": a.number("TmpDisk") or 0,
        "gres": list(_gres(a.get("Gres"))),
        "gres_used": list(_used_gres(a.get("GresUsed"))),
        "gres_drain": a.word("GresDrain") or [],
        "tres_fmt_str": a.word("CfgTRES"),
        "alloc_tres_fmt_str": a.word("AllocTRES"),
        "energy": {
            "current_watts": a.number("CurrentWatts") or 0,
            "ave_watts": a.number("AveWatts") or 0,
            "base_watts": 0,
            "base_consumed_energy": a.number("LowestJoules") or 0,
            "consumed_energy": a.number("ConsumedJoules") or 0,
            "previous_consumed_energy": 0,
        },
        "power_mgmt": {"cap_watts": a.number("CapWatts")},
    }


def _reserved_cpus(a: Reading) -> int:
    """CPUs for the system. Slurm before 22.05 has no CPUEfctv."""
    listed = a.word("CPUSpecList")
    if listed is None:
        return (a.number("CoreSpecCount") or 0) * (a.number("ThreadsPerCore") or 1)
    return len(expand_known(f"[{listed}]"))


def _load(text: str | None) -> int | None:
    """`0.33` → 33. None for `N/A`, and for NO_VAL divided by 100, which 23.11 and later print."""
    if text is None or not re.fullmatch(r"\d{1,8}\.\d\d", text):
        return None
    hundredths = int(text.replace(".", ""))
    return hundredths if hundredths < NO_VAL else None


@functools.lru_cache(maxsize=4096)
def _gres(text: str | None) -> tuple[str, ...]:
    return tuple(gres_texts(text))


@functools.lru_cache(maxsize=4096)
def _used_gres(text: str | None) -> tuple[str, ...]:
    return tuple(used_gres_texts(text))


def _hardware(a: Reading, context: NodeContext) -> Record:
    port, cores = a.number("Port"), a.number("CoresPerSocket") or 0
    return {
        "arch": a.word("Arch"),
        "os": (a.get("OS") or "").rstrip(" ") or None,
        "version": a.word("Version"),
        "node_addr": a.word("NodeAddr"),
        "node_hostname": a.word("NodeHostName"),
        "bcast_address": a.word("BcastAddr"),
        "port": context.slurmd_port if port is None else port,
        "boards": a.number("Boards") or 0,
        "sockets": a.number("Sockets") or 0,
        "cores": cores,
        "cores_per_socket": cores,
        "threads": a.number("ThreadsPerCore") or 0,
        "core_spec_cnt": a.number("CoreSpecCount") or 0,
        "cpu_spec_list": a.word("CPUSpecList") or [],
        "cpu_bind": a.word("CpuBind"),
        "features": _features(a, "AvailableFeatures"),
        "features_active": _features(a, "ActiveFeatures"),
        "partitions": (a.word("Partitions") or "").split(",") if a.word("Partitions") else [],
        "owner": _owner(a.get("Owner")),
        "mcs_label": a.word("MCS_label"),
        "weight": a.number("Weight") or 0,
    }


def _features(a: Reading, key: str) -> str | list[str] | None:
    """Null if features can be read in two ways. 15.08 has one key for both."""
    if a.doubtful.intersection((key, "Features")):
        return None
    return a.get(key, "Features") or []


def _owner(text: str | None) -> int | None:
    """`alice(2001)` → 2001."""
    match = re.search(r"\((\d+)\) *$", text or "")
    return int(match[1]) if match else None
