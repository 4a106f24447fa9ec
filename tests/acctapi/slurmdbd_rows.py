"""Rows as slurmdbd writes them, one for each encoding of a value, and the expected record of each.

Rows and records are written by hand from Slurm's sources, not by the code that they test. Times are epoch seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

Row = dict[str, Any]
Record = dict[str, Any]

NO_VAL: Final = 4294967294
INFINITE: Final = 4294967295
NO_VAL64: Final = 18446744073709551614
T: Final = 1_750_000_000
"""Submit time of the jobs: Sun Jun 15 15:06:40 2025 UTC."""

CLUSTER_ID: Final = 2740
"""Ids from 2048 on give keys that exceed a signed 64-bit number."""


_STARTED: Final = int(time.time())


class SecondsSince:
    """Equals the seconds from `moment` to any moment of this test run."""

    def __init__(self, moment: int) -> None:
        self._moment = moment

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and _STARTED <= self._moment + other <= time.time()

    def __hash__(self) -> int:
        return hash(self._moment)

    def __repr__(self) -> str:
        return f"<seconds since {self._moment}>"


class ShareSince(SecondsSince):
    """Equals the seconds from `moment` to any moment of this test run as a share of the time limit, 18,000 seconds."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and any(super(ShareSince, self).__eq__(n) for n in _seconds(other))

    __hash__ = SecondsSince.__hash__


def _seconds(share: float) -> range:
    """Returns the numbers of seconds whose share has these four decimals."""
    return range(int(18_000 * (share - 0.0001)), int(18_000 * (share + 0.0001)) + 1)


@dataclass(frozen=True)
class Case:
    """Differences of a row from an ordinary one, and of its expected record.

    It is written by releases from `since` on and `before` another one, into a database of which `charset` is the
    character set, if that matters.
    """

    name: str
    row: Row = field(default_factory=dict)
    record: Record = field(default_factory=dict)
    since: str = "15.08"
    before: str = "99.99"
    charset: str | None = None


JOB_ROW: Final[Row] = {
    "id_user": 2001, "id_group": 3001, "id_assoc": 4, "job_name": "align", "cpus_req": 2, "mem_req": 2000,
    "account": "physics", "nodelist": "rack[001-002]", "partition": "main", "nodes_alloc": 2, "timelimit": 300,
    "time_submit": T, "time_eligible": T + 1, "time_start": T + 5, "time_end": T + 3605, "time_suspended": 0,
    "priority": 1000, "state": 3, "exit_code": 0, "derived_ec": 0, "derived_es": None, "tres_req": "1=2,2=4000,4=2,5=2",
    "tres_alloc": f"1=4,2=4000,3={NO_VAL64},4=2,5=4,1001=2", "id_qos": 1, "id_array_job": 0, "id_array_task": NO_VAL,
    "array_task_str": None, "array_max_tasks": 0, "wckey": "", "het_job_id": 0, "het_job_offset": NO_VAL,
    "work_dir": "/home/alice", "constraints": "", "state_reason_prev": 0, "restart_cnt": 0, "deleted": 0,
}  # fmt: skip

JOB_RECORD: Final[Record] = {
    "id_user": 2001, "user_name": "alice", "id_group": 3001, "id_assoc": 4, "account": "physics", "cluster": "proof",
    "job_name": "align", "array_job_id": None, "array_task_id": None, "array_task_str": None, "het_job_id": None,
    "het_job_offset": None, "wckey": None, "work_dir": "/home/alice", "comment": None, "admin_comment": None,
    "system_comment": None, "cpus_req": 2, "mem_req": 2000, "mem_req_per": "node", "timelimit": 300, "priority": 1000,
    "qos": "normal", "tres_req": {"cpu": 2, "mem": 4000, "node": 2, "billing": 2}, "constraints": None,
    "licenses": None, "container": None, "submit_line": None, "std_in": None, "std_out": None, "std_err": None,
    "reservation": None, "reservation_req": None, "partition": "main", "nodelist": "rack[001-002]", "nodes_alloc": 2,
    "tres_alloc": {"cpu": 4, "mem": 4000, "node": 2, "billing": 4, "gres/gpu": 2}, "time_submit": T,
    "time_eligible": T + 1, "time_start": T + 5, "time_end": T + 3605, "elapsed": 3600, "suspended": 0,
    "cpu_time": None, "max_rss": None, "cpu_efficiency": None, "mem_efficiency": None, "gpu_util": None,
    "gpu_mem": None, "energy": None, "time_efficiency": 0.2,
    "state": "JOB_COMPLETE", "state_name": "COMPLETED", "reason": None, "exit_code": 0, "exit_signal": 0,
    "derived_exit_code": 0, "derived_exit_signal": 0, "kill_requid": None, "restart_cnt": 0, "failed_node": None,
}  # fmt: skip

SINCE: Final = {
    "admin_comment": "17.02", "work_dir": "17.11", "het_job_id": "17.11", "het_job_offset": "17.11",
    "system_comment": "18.08", "reason": "19.05", "constraints": "19.05", "container": "21.08", "licenses": "23.02",
    "failed_node": "23.02", "restart_cnt": "24.11", "submit_line": "21.08", "std_in": "24.05", "std_out": "24.05",
    "std_err": "24.05", "reservation_req": "25.05",
}  # fmt: skip
"""Fields that are null in the records of older releases."""

_PENDING: Final[Row] = {
    "state": 0, "time_start": 0, "time_end": 0, "nodelist": "None assigned", "nodes_alloc": 1, "tres_alloc": "",
}  # fmt: skip
_IS_PENDING: Final[Record] = {
    "state": "JOB_PENDING", "state_name": "PENDING", "time_start": None, "time_end": None, "elapsed": 0,
    "time_efficiency": None,
    "nodelist": None, "nodes_alloc": 1, "tres_alloc": {},
}  # fmt: skip
_NOT_ENDED: Final[Record] = {"time_end": None, "elapsed": SecondsSince(T + 5), "time_efficiency": ShareSince(T + 5)}
_EVERY_HUNDREDTH: Final = hex(sum(1 << task for task in range(0, 10_001, 100)))
_ODD_TEXT: Final = 'it\'s "odd" \\ ; -- %_ café 日本 🚀\ttab'


def _ended(number: int, state: str, name: str, since: str = "15.08") -> Case:
    return Case(name, {"state": number}, {"state": state, "state_name": name}, since)


JOB_CASES: Final = (
    Case("ordinary"),
    Case("pending", _PENDING, _IS_PENDING),
    Case("pending in two partitions", {**_PENDING, "partition": "main,long"},
         {**_IS_PENDING, "partition": "main,long"}),
    Case("pending, one partition hidden", {**_PENDING, "partition": "secret,long"},
         {**_IS_PENDING, "partition": "long"}),
    Case("held", {**_PENDING, "time_eligible": 0, "priority": 0},
         {**_IS_PENDING, "time_eligible": None, "priority": 0}),
    Case("start estimated", {**_PENDING, "time_start": 4_000_000_000}, {**_IS_PENDING, "time_start": 4_000_000_000}),
    Case("array throttled", {**_PENDING, "time_eligible": INFINITE}, {**_IS_PENDING, "time_eligible": None}),
    Case("running", {"state": 1, "time_end": 0}, {"state": "JOB_RUNNING", "state_name": "RUNNING", **_NOT_ENDED}),
    Case(
        "suspended at T+1000 after 100 s of an earlier suspension",
        {"state": 2, "time_end": 0, "time_suspended": T + 900},
        {"state": "JOB_SUSPENDED", "state_name": "SUSPENDED", "time_end": None, "elapsed": 895,
         "time_efficiency": 0.0497, "suspended": SecondsSince(T + 900)},
    ),
    Case("was suspended", {"time_suspended": 600}, {"suspended": 600, "elapsed": 3000, "time_efficiency": 0.1667}),
    Case(
        "cancelled before its start",
        {"state": 4, "time_start": 0, "nodelist": "None assigned", "tres_alloc": "", "kill_requid": 2002},
        {"state": "JOB_CANCELLED", "state_name": "CANCELLED", "time_start": None, "nodelist": None, "tres_alloc": {},
         "kill_requid": 2002, "elapsed": 0, "time_efficiency": None},
    ),
    Case("cancelled by root", {"kill_requid": 0}, {"kill_requid": 0}),
    Case("nobody cancelled it, in the old way", {"kill_requid": -1}, before="22.05"),
    Case("nobody cancelled it", {"kill_requid": None}, since="22.05"),
    Case("exit 3", {"state": 5, "exit_code": 768, "derived_ec": 512},
         {"state": "JOB_FAILED", "state_name": "FAILED", "exit_code": 3, "derived_exit_code": 2}),
    Case("killed by SIGKILL", {"state": 5, "exit_code": 9, "derived_ec": 35072},
         {"state": "JOB_FAILED", "state_name": "FAILED", "exit_signal": 9, "derived_exit_code": 137}),
    Case("no derived code", {"derived_ec": NO_VAL}),
    Case("out of memory", {"state": 11, "exit_code": 125},
         {"state": "JOB_OOM", "state_name": "OUT_OF_MEMORY", "exit_signal": 125}, since="17.02"),
    _ended(6, "JOB_TIMEOUT", "TIMEOUT"),
    _ended(7, "JOB_NODE_FAIL", "NODE_FAIL"),
    _ended(8, "JOB_PREEMPTED", "PREEMPTED"),
    _ended(9, "JOB_BOOT_FAIL", "BOOT_FAIL"),
    _ended(10, "JOB_DEADLINE", "DEADLINE", "16.05"),
    _ended(524288, "JOB_REVOKED", "REVOKED", "17.02"),
    Case("requeued: the first attempt", {"state": 1024, "id_job": 7000}, {"state": "JOB_REQUEUE",
         "state_name": "REQUEUED", "id_job": 7000, "job_id_str": "7000"}),
    Case("requeued: the second attempt", {"id_job": 7000, "time_submit": T + 4000, "time_start": T + 4001,
         "time_end": T + 4101}, {"id_job": 7000, "job_id_str": "7000", "time_submit": T + 4000,
         "time_start": T + 4001, "time_end": T + 4101, "elapsed": 100, "time_efficiency": 0.0056}),
    Case("resized: until then", {"state": 8192, "id_job": 7001}, {"state": "JOB_RESIZING", "state_name": "RESIZING",
         "id_job": 7001, "job_id_str": "7001"}),
    Case("memory a CPU", {"mem_req": 2**63 + 500}, {"mem_req": 500, "mem_req_per": "cpu"}, since="17.02"),
    Case("memory a CPU, in 32 bits", {"mem_req": 2**31 + 500}, {"mem_req": 500, "mem_req_per": "cpu"}, before="17.02"),
    Case("more memory than 32 bits hold", {"mem_req": 6_000_000_000}, {"mem_req": 6_000_000_000}, since="17.02"),
    Case("all memory of the node", {"mem_req": 0}, {"mem_req": 0}),
    Case("no time limit", {"timelimit": INFINITE}, {"timelimit": "UNLIMITED", "time_efficiency": None}),
    Case("the partition's limit", {"timelimit": NO_VAL}, {"timelimit": "Partition_Limit", "time_efficiency": None}),
    Case("no limit recorded", {"timelimit": 0}, {"timelimit": None, "time_efficiency": None}),
    Case("no priority", {"priority": NO_VAL}, {"priority": None}),
    Case("waiting rest of an array",
         {**_PENDING, "id_job": 7100, "id_array_job": 7100, "array_task_str": "0x3F1", "array_max_tasks": 4},
         {**_IS_PENDING, "id_job": 7100, "job_id_str": "7100_[0,4-9%4]", "array_job_id": 7100,
          "array_task_str": "0,4-9%4"}),
    Case("waiting tasks at equal distances",
         {**_PENDING, "id_job": 55, "id_array_job": 55, "array_task_str": _EVERY_HUNDREDTH},
         {**_IS_PENDING, "id_job": 55, "job_id_str": "55_[0-10000:100]", "array_job_id": 55,
          "array_task_str": "0-10000:100"}),
    Case("task of an array", {"id_job": 7101, "id_array_job": 7100, "id_array_task": 0},
         {"id_job": 7101, "job_id_str": "7100_0", "array_job_id": 7100, "array_task_id": 0}),
    Case("no array, in the oldest way", {"id_array_job": 0, "id_array_task": 0}),
    Case("second component", {"id_job": 7201, "het_job_id": 7200, "het_job_offset": 1},
         {"id_job": 7201, "job_id_str": "7200+1", "het_job_id": 7200, "het_job_offset": 1}, since="17.11"),
    Case("without association", {"id_assoc": 0, "id_user": 987654, "account": "visitors"},
         {"id_assoc": 0, "id_user": 987654, "user_name": "987654", "account": "visitors"}),
    Case("without association and account", {"id_assoc": 0, "id_user": 987654, "account": None},
         {"id_assoc": 0, "id_user": 987654, "user_name": "987654", "account": None}),
    Case("association removed", {"id_assoc": 8}, {"id_assoc": 8, "user_name": "gone"}),
    Case("association unknown", {"id_assoc": 99, "id_user": 987654}, {"id_assoc": 99, "id_user": 987654,
         "user_name": "987654"}),
    Case("account renamed since", {"account": "optics"}, {"account": "physics"}),
    Case("odd text", {"job_name": _ODD_TEXT, "derived_es": _ODD_TEXT}, {"job_name": _ODD_TEXT, "comment": _ODD_TEXT}),
    Case("text that is no UTF-8", {"job_name": b"caf\xe9"}, {"job_name": "caf\ufffd"}, charset="latin1"),
    Case("no hostlist", {"nodelist": None}, {"nodelist": None}),
    Case("an empty hostlist", {"nodelist": ""}, {"nodelist": None}),
    Case("a printed null", {"nodelist": "(null)"}, {"nodelist": None}),
    Case("no partition", {"partition": ""}, {"partition": None}),
    Case("a TRES without name", {"tres_req": "1=1,1999=3"}, {"tres_req": {"cpu": 1, "1999": 3}}),
    Case("no TRES", {"tres_req": ""}, {"tres_req": {}}),
    Case("QOS unknown", {"id_qos": 0}, {"qos": None}),
    Case("ended at the clock's sentinel", {"time_end": INFINITE}, _NOT_ENDED),
    Case("wckey by default", {"wckey": "*apollo"}, {"wckey": "*apollo"}),
    Case("purge has marked it", {"deleted": 1}, since="24.11"),
    Case("everything that came later",
         {"admin_comment": "look here", "system_comment": "by the system", "constraints": "avx2&ssd",
          "state_reason_prev": 2, "container": "/oci", "licenses": "matlab:2", "failed_node": "rack001",
          "restart_cnt": 3, "work_dir": "/scratch/ü", "submit_line": "sbatch -p main ü.sh", "std_in": "/dev/null",
          "std_out": "%x-%N.%r.out", "std_err": "/log/%u", "resv_req": "maint"},
         {"admin_comment": "look here", "system_comment": "by the system", "constraints": "avx2&ssd",
          "reason": "Dependency", "container": "/oci", "licenses": "matlab:2", "failed_node": "rack001",
          "restart_cnt": 3, "work_dir": "/scratch/ü", "submit_line": "sbatch -p main ü.sh", "std_in": "/dev/null",
          "std_out": "/scratch/ü/align-rack001.3.out", "std_err": "/log/alice", "reservation_req": "maint"}),
    Case("a command line that names a hidden partition", {"submit_line": "sbatch -psecret x.sh"}),
)  # fmt: skip

HIDDEN_JOB_ROWS: Final = ({"partition": "secret"}, {**_PENDING, "partition": "secret,secret"})
"""Rows of jobs that are never returned while the partition `secret` is hidden."""


def cases(release: str, charset: str) -> list[Case]:
    """Returns the cases that occur in the database of a release."""
    return [
        case
        for case in JOB_CASES
        if at_least(release, case.since) and not at_least(release, case.before) and case.charset in (None, charset)
    ]


def at_least(release: str, other: str) -> bool:
    """Returns True if `release` is `other` or later."""
    return tuple(map(int, release.split("."))) >= tuple(map(int, other.split(".")))


def key_of(release: str, number: int) -> int:
    """Returns the primary key of the record `number`: counted until 24.05, then a SLUID."""
    return (CLUSTER_ID << 52) | (T * 1000 << 10) | number if at_least(release, "24.11") else number


def job_row(release: str, number: int, changes: Row) -> Row:
    """Returns the row of record `number`, with the column names of the release."""
    row = {"job_db_inx": key_of(release, number), "id_job": 1000 + number, **JOB_ROW, "kill_requid": None, **changes}
    if row["kill_requid"] is None and not at_least(release, "22.05"):
        row["kill_requid"] = -1
    row["pack_job_id"], row["pack_job_offset"] = row["het_job_id"], row["het_job_offset"]
    return row


def job_record(release: str, number: int, changes: Record) -> Record:
    """Returns the expected record, with `times=epoch`."""
    record = {
        "id_record": str(key_of(release, number)), "id_job": 1000 + number, "job_id_str": str(1000 + number),
        **JOB_RECORD, **changes,
    }  # fmt: skip
    return {name: value if at_least(release, SINCE.get(name, "15.08")) else None for name, value in record.items()}
