"""Columns of slurmdbd's tables that the service reads, for every Slurm from 15.08 to 26.05.

Source: `src/plugins/accounting_storage/mysql/` of each release. slurmdbd adds and drops columns when it is upgraded. So
a `Table` has only the columns that the database has (see `acctapi.column_probe`). Every release has `REQUIRED_…`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import cast, type_coerce
from sqlalchemy.types import TypeDecorator, TypeEngine

UNSIGNED: Final = BigInteger().with_variant(mysql.BIGINT(unsigned=True), "mysql", "mariadb")


class _Decoded(TypeDecorator[str]):
    """Decodes bytes as UTF-8. Each undecodable byte becomes U+FFFD, as in the records of the live routes."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Any) -> str | None:
        """Decodes the value."""
        if not isinstance(value, bytes):
            return None if value is None else str(value)
        return value.decode(errors="replace")


class StoredText(TypeDecorator[str]):
    """Text that is read as stored bytes.

    slurmdbd does not declare a character set, so that of the column may differ from that of the bytes. Reading bytes
    finds UTF-8 in any column, and no text of a user can make reading fail.
    """

    impl = Text
    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Reads the column as bytes."""
        return type_coerce(cast(column, LargeBinary), _Decoded())


_TEXT: Final = StoredText()

_JOB: Final[dict[str, TypeEngine[Any]]] = {
    "job_db_inx": UNSIGNED,
    "id_job": UNSIGNED,
    "id_user": UNSIGNED,
    "id_assoc": UNSIGNED,
    "job_name": _TEXT,
    "cpus_req": UNSIGNED,
    "mem_req": UNSIGNED,
    "account": _TEXT,
    "nodelist": _TEXT,
    "partition": _TEXT,
    "nodes_alloc": UNSIGNED,
    "timelimit": UNSIGNED,
    "time_submit": UNSIGNED,
    "time_eligible": UNSIGNED,
    "time_start": UNSIGNED,
    "time_end": UNSIGNED,
    "time_suspended": UNSIGNED,
    "priority": UNSIGNED,
    "state": UNSIGNED,
    "exit_code": UNSIGNED,
    "derived_ec": UNSIGNED,
    "derived_es": _TEXT,
    "kill_requid": BigInteger(),
    "tres_req": _TEXT,
    "tres_alloc": _TEXT,
    "id_qos": UNSIGNED,
    "id_array_job": UNSIGNED,
    "id_array_task": UNSIGNED,
    "array_task_str": _TEXT,
    "array_max_tasks": UNSIGNED,
    "id_group": UNSIGNED,
    "wckey": _TEXT,
}
_JOB_OF_SOME: Final[dict[str, TypeEngine[Any]]] = {
    # 17.11 to 19.05 call a heterogeneous job a pack job.
    "pack_job_id": UNSIGNED,
    "pack_job_offset": UNSIGNED,
    "het_job_id": UNSIGNED,
    "het_job_offset": UNSIGNED,
    "admin_comment": _TEXT,
    "system_comment": _TEXT,
    "work_dir": _TEXT,
    "constraints": _TEXT,
    "state_reason_prev": UNSIGNED,
    "container": _TEXT,
    "failed_node": _TEXT,
    "licenses": _TEXT,
    "restart_cnt": UNSIGNED,
    # Slurm 21.08 keeps script and environment in the job table. They are secrets, and not among these.
    "submit_line": _TEXT,
    "std_out": _TEXT,
    "std_err": _TEXT,
    "std_in": _TEXT,
    "id_resv": UNSIGNED,
    "resv_req": _TEXT,
    "mod_time": UNSIGNED,
}
_ASSOC: Final[dict[str, TypeEngine[Any]]] = {
    "id_assoc": UNSIGNED,
    "user": _TEXT,
    "acct": _TEXT,
    "partition": _TEXT,
    "deleted": Integer(),
    "is_def": Integer(),
    "parent_acct": _TEXT,
    "shares": BigInteger(),
    "def_qos_id": BigInteger(),
    "qos": LargeBinary(),
    "delta_qos": LargeBinary(),
    "max_jobs": BigInteger(),
    "max_submit_jobs": BigInteger(),
    "max_tres_pj": _TEXT,
    "max_tres_pn": _TEXT,
    "max_tres_mins_pj": _TEXT,
    "max_tres_run_mins": _TEXT,
    "max_wall_pj": BigInteger(),
    "grp_jobs": BigInteger(),
    "grp_submit_jobs": BigInteger(),
    "grp_tres": _TEXT,
    "grp_tres_mins": _TEXT,
    "grp_tres_run_mins": _TEXT,
    "grp_wall": BigInteger(),
}
_ASSOC_OF_SOME: Final[dict[str, TypeEngine[Any]]] = {
    "max_jobs_accrue": BigInteger(),
    "min_prio_thresh": BigInteger(),
    "grp_jobs_accrue": BigInteger(),
    "priority": UNSIGNED,
    "comment": _TEXT,
    "flags": UNSIGNED,
}
_QOS: Final[dict[str, TypeEngine[Any]]] = {"id": BigInteger(), "name": _TEXT}
# A right on the two columns above is enough for /users and /history.
_QOS_OF_SOME: Final[dict[str, TypeEngine[Any]]] = {
    "deleted": Integer(),
    "description": _TEXT,
    "flags": UNSIGNED,
    "grace_time": UNSIGNED,
    "priority": UNSIGNED,
    "preempt": _TEXT,
    "preempt_mode": BigInteger(),
    "preempt_exempt_time": UNSIGNED,
    "usage_factor": Float(),
    "usage_thres": Float(),
    "limit_factor": Float(),
    "min_prio_thresh": BigInteger(),
    "max_jobs_per_user": BigInteger(),
    "max_jobs_pa": BigInteger(),
    "max_jobs_accrue_pu": BigInteger(),
    "max_jobs_accrue_pa": BigInteger(),
    "max_submit_jobs_per_user": BigInteger(),
    "max_submit_jobs_pa": BigInteger(),
    "max_tres_pj": _TEXT,
    "max_tres_pn": _TEXT,
    "max_tres_pu": _TEXT,
    "max_tres_pa": _TEXT,
    "max_tres_mins_pj": _TEXT,
    "max_tres_run_mins_pu": _TEXT,
    "max_tres_run_mins_pa": _TEXT,
    "min_tres_pj": _TEXT,
    "max_wall_duration_per_job": BigInteger(),
    "grp_jobs": BigInteger(),
    "grp_jobs_accrue": BigInteger(),
    "grp_submit_jobs": BigInteger(),
    "grp_tres": _TEXT,
    "grp_tres_mins": _TEXT,
    "grp_tres_run_mins": _TEXT,
    "grp_wall": BigInteger(),
}
_TRES: Final[dict[str, TypeEngine[Any]]] = {"id": BigInteger(), "type": _TEXT, "name": _TEXT}
_COORD: Final[dict[str, TypeEngine[Any]]] = {"acct": _TEXT, "user": _TEXT, "deleted": Integer()}
_ACCT: Final[dict[str, TypeEngine[Any]]] = {"name": _TEXT, "description": _TEXT, "organization": _TEXT}
_EVENT: Final[dict[str, TypeEngine[Any]]] = {
    "time_start": UNSIGNED,
    "time_end": UNSIGNED,
    "node_name": _TEXT,
    "cluster_nodes": _TEXT,
    "reason": _TEXT,
    "reason_uid": UNSIGNED,
    "state": UNSIGNED,
    "tres": _TEXT,
}
_RESV: Final[dict[str, TypeEngine[Any]]] = {
    "id_resv": UNSIGNED,
    "resv_name": _TEXT,
    "time_start": UNSIGNED,
    "time_end": UNSIGNED,
}
_STEP: Final[dict[str, TypeEngine[Any]]] = {
    "job_db_inx": UNSIGNED,
    "deleted": Integer(),
    "user_sec": UNSIGNED,
    "user_usec": UNSIGNED,
    "sys_sec": UNSIGNED,
    "sys_usec": UNSIGNED,
}
_STEP_OF_SOME: Final[dict[str, TypeEngine[Any]]] = {
    "id_step": BigInteger(),
    "step_het_comp": UNSIGNED,
    "step_name": _TEXT,
    "state": UNSIGNED,
    "exit_code": BigInteger(),
    "kill_requid": BigInteger(),
    "nodelist": _TEXT,
    "nodes_alloc": UNSIGNED,
    "task_cnt": UNSIGNED,
    "tres_alloc": _TEXT,
    "time_start": UNSIGNED,
    "time_end": UNSIGNED,
    "time_suspended": UNSIGNED,
    "timelimit": UNSIGNED,
    "consumed_energy": UNSIGNED,
    "container": _TEXT,
    "submit_line": _TEXT,
    "cwd": _TEXT,
    "std_out": _TEXT,
    "std_err": _TEXT,
    "std_in": _TEXT,
    # 18.08 replaced the columns of each measurement by lists of TRES.
    "max_rss": UNSIGNED,
    "max_rss_task": UNSIGNED,
    "max_rss_node": UNSIGNED,
    "ave_disk_read": Float(),
    "ave_disk_write": Float(),
    "tres_usage_in_max": _TEXT,
    "tres_usage_in_max_taskid": _TEXT,
    "tres_usage_in_max_nodeid": _TEXT,
    "tres_usage_in_tot": _TEXT,
    "tres_usage_out_tot": _TEXT,
}

QOS_TABLE: Final = "qos_table"
TRES_TABLE: Final = "tres_table"
COORD_TABLE: Final = "acct_coord_table"
ACCT_TABLE: Final = "acct_table"

REQUIRED_JOB_COLUMNS: Final = frozenset(_JOB)
REQUIRED_ASSOC_COLUMNS: Final = frozenset(_ASSOC)
JOB_COLUMNS: Final = frozenset(_JOB | _JOB_OF_SOME)
ASSOC_COLUMNS: Final = frozenset(_ASSOC | _ASSOC_OF_SOME)
REQUIRED_STEP_COLUMNS: Final = frozenset(_STEP)
STEP_COLUMNS: Final = frozenset(_STEP | _STEP_OF_SOME)
OLD_STEP_COLUMNS: Final = frozenset(("max_rss", "max_rss_task", "max_rss_node", "ave_disk_read", "ave_disk_write"))
"""Columns that only releases before 18.08 have."""

REQUIRED_STEP_RECORD_COLUMNS: Final = frozenset(
    ("id_step", "step_name", "state", "exit_code", "kill_requid", "nodelist", "nodes_alloc", "task_cnt", "tres_alloc",
     "time_start", "time_end", "time_suspended")
)  # fmt: skip
"""Columns of the step table that every release has. /history/{id}/steps needs them."""
EVENT_COLUMNS: Final = frozenset(_EVENT)
ACCT_COLUMNS: Final = frozenset(_ACCT)
COORD_COLUMNS: Final = frozenset(_COORD)
RESV_COLUMNS: Final = frozenset(_RESV)
REQUIRED_QOS_COLUMNS: Final = frozenset(_QOS)
REQUIRED_QOS_LIMIT_COLUMNS: Final = frozenset(_QOS_OF_SOME) - frozenset(
    ("max_jobs_pa", "max_submit_jobs_pa", "max_tres_pa", "max_tres_run_mins_pa", "max_jobs_accrue_pu",
     "max_jobs_accrue_pa", "min_prio_thresh", "grp_jobs_accrue", "preempt_exempt_time", "limit_factor")
)  # fmt: skip
"""Columns of the limits of QOS that every release has. /qos needs them."""
QOS_COLUMNS: Final = frozenset(_QOS | _QOS_OF_SOME)


def job_table(name: str, present: Collection[str] = JOB_COLUMNS) -> Table:
    """Returns `<cluster>_job_table` as `name`, with its columns in `present`."""
    return _table(name, _JOB | _JOB_OF_SOME, ("job_db_inx",), present)


def assoc_table(name: str, present: Collection[str] = ASSOC_COLUMNS) -> Table:
    """Returns `<cluster>_assoc_table` as `name`, with its columns in `present`."""
    return _table(name, _ASSOC | _ASSOC_OF_SOME, ("id_assoc",), present)


def step_table(name: str, present: Collection[str] = STEP_COLUMNS) -> Table:
    """Returns `<cluster>_step_table` as `name`, with its columns in `present`: a row for each step.

    Its primary key begins with that of the job.
    """
    return _table(name, _STEP | _STEP_OF_SOME, (), present)


def event_table(name: str) -> Table:
    """Returns `<cluster>_event_table` as `name`: what nodes and the cluster went through."""
    return _table(name, _EVENT, ("node_name", "time_start"), _EVENT)


def resv_table(name: str) -> Table:
    """Returns `<cluster>_resv_table` as `name`: a row for each change of a reservation."""
    return _table(name, _RESV, ("id_resv", "time_start"), _RESV)


def qos_table(present: Collection[str] = QOS_COLUMNS) -> Table:
    """Returns the table of the QOS of all clusters, with its columns in `present`."""
    return _table(QOS_TABLE, _QOS | _QOS_OF_SOME, ("id",), present)


def tres_table() -> Table:
    """Returns the table of the trackable resources (TRES) of all clusters."""
    return _table(TRES_TABLE, _TRES, ("id",), _TRES)


def acct_table(name: str) -> Table:
    """Returns the table of the accounts of all clusters: their texts."""
    return _table(name, _ACCT, ("name",), _ACCT)


def coord_table(name: str = COORD_TABLE) -> Table:
    """Returns the table of the account coordinators of all clusters."""
    return _table(name, _COORD, ("acct", "user"), _COORD)


def _table(name: str, columns: dict[str, TypeEngine[Any]], keys: Collection[str], present: Collection[str]) -> Table:
    return Table(
        name,
        MetaData(),
        *(Column(column, kind, primary_key=column in keys) for column, kind in columns.items() if column in present),
    )
