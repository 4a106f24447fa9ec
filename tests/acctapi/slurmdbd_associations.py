"""Rows of associations, QOS and TRES as slurmdbd writes them, and the expected records of /users."""

from __future__ import annotations

from typing import Any, Final

from tests.acctapi.slurmdbd_rows import at_least

Row = dict[str, Any]
Record = dict[str, Any]

QOS_ROWS: Final[list[Row]] = [{"id": 1, "name": "normal"}, {"id": 2, "name": "urgent"}, {"id": 3, "name": "spare"}]
TRES_ROWS: Final[list[Row]] = [
    {"id": number, "type": kind, "name": name}
    for number, kind, name in (
        (1, "cpu", ""), (2, "mem", ""), (3, "energy", ""), (4, "node", ""), (5, "billing", ""), (1001, "gres", "gpu"),
    )
]  # fmt: skip

ASSOC_ROWS: Final[list[Row]] = [
    {"id_assoc": 1, "acct": "root", "qos": b",1,"},
    {"id_assoc": 2, "acct": "root", "user": "root", "is_def": 1},
    {"id_assoc": 3, "acct": "physics", "parent_acct": "root", "max_wall_pj": 1440, "def_qos_id": 1,
     "max_tres_pj": "1=64,1001=2", "grp_tres": "1=512"},
    {"id_assoc": 4, "acct": "physics", "user": "alice", "is_def": 1, "max_tres_pj": "1=32", "grp_jobs": 7,
     "comment": "knows what she does", "priority": 50},
    {"id_assoc": 5, "acct": "physics", "user": "bob", "partition": "long", "shares": 2147483647, "delta_qos": b",+2"},
    {"id_assoc": 6, "acct": "biology", "user": "bob", "is_def": 1, "qos": b",2,3", "max_submit_jobs": 9},
    {"id_assoc": 7, "acct": "biology", "parent_acct": "science", "max_jobs": 0},
    {"id_assoc": 8, "acct": "physics", "user": "gone", "deleted": 1},
    {"id_assoc": 9, "acct": "science", "parent_acct": "root", "max_jobs": 50, "max_submit_jobs": 100, "qos": b",1,2",
     "delta_qos": b""},
    {"id_assoc": 10, "acct": "physics", "user": "carol", "partition": "secret"},
    {"id_assoc": 11, "acct": "physics", "user": "dave", "deleted": 2},
]  # fmt: skip

_RECORD: Final[Record] = {
    "partition": None, "default_account": None, "is_default": False, "parent_account": "root", "shares": 1,
    "qos": ["normal"], "default_qos": "normal", "max_jobs": None, "max_jobs_accrue": None, "max_submit_jobs": None,
    "max_wall": 1440, "priority": None, "min_prio_thresh": None, "max_tres_per_job": {"cpu": 64, "gres/gpu": 2},
    "max_tres_per_node": {}, "max_tres_mins_per_job": {}, "max_tres_run_mins": {}, "grp_jobs": None,
    "grp_jobs_accrue": None, "grp_submit_jobs": None, "grp_wall": None, "grp_tres": {}, "grp_tres_mins": {},
    "grp_tres_run_mins": {}, "comment": None, "deleted": False,
}  # fmt: skip

_RECORDS: Final[list[Record]] = [
    {**_RECORD, "id_assoc": 4, "user": "alice", "acct": "physics", "default_account": "physics", "is_default": True,
     "max_tres_per_job": {"cpu": 32, "gres/gpu": 2}, "grp_jobs": 7, "comment": "knows what she does", "priority": 50},
    {**_RECORD, "id_assoc": 6, "user": "bob", "acct": "biology", "default_account": "biology", "is_default": True,
     "parent_account": "science", "qos": ["urgent", "spare"], "default_qos": None, "max_jobs": 0, "max_submit_jobs": 9,
     "max_wall": None, "max_tres_per_job": {}},
    {**_RECORD, "id_assoc": 5, "user": "bob", "acct": "physics", "partition": "long", "default_account": "biology",
     "shares": "parent", "qos": ["normal", "urgent"]},
    {**_RECORD, "id_assoc": 11, "user": "dave", "acct": "physics", "deleted": True},
    {**_RECORD, "id_assoc": 8, "user": "gone", "acct": "physics", "deleted": True},
    {**_RECORD, "id_assoc": 2, "user": "root", "acct": "root", "default_account": "root", "is_default": True,
     "parent_account": None, "default_qos": None, "max_wall": None, "max_tres_per_job": {}},
]  # fmt: skip

_SINCE: Final = {"comment": "23.02", "priority": "19.05"}


def association_records(release: str, *, deleted: bool) -> list[Record]:
    """Returns the expected records of /users in order; with `deleted` also the removed ones."""
    return [
        {name: value if at_least(release, _SINCE.get(name, "15.08")) else None for name, value in record.items()}
        for record in _RECORDS
        if deleted or not record["deleted"]
    ]
