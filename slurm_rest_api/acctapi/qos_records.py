"""Filters, sorts and pages the QOS of /qos. Independent of HTTP.

Sources: `qos_table`; the names and conversions of `sacctmgr show qos` (sacctmgr_print_qos_rec() of
src/sacctmgr/qos_functions.c), slurmdb_qos_flags_str() of src/common/slurmdb_defs.c, preempt_mode_string() of
src/common/slurm_protocol_defs.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection

from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.db_errors import RETRY_SECONDS
from slurm_rest_api.acctapi.encodings import published_tres, tres
from slurm_rest_api.acctapi.list_page import ListPage, page_of
from slurm_rest_api.acctapi.qos import Qos
from slurm_rest_api.acctapi.reference_data import ReferenceData, ReferenceDataCache
from slurm_rest_api.acctapi.reference_parameters import QosParameters
from slurm_rest_api.acctapi.tables import QOS_TABLE, REQUIRED_QOS_LIMIT_COLUMNS
from slurm_rest_api.errors import DatabaseUnusable, NotFound
from slurm_rest_api.slurm.stored_names import in_small_letters
from slurm_rest_api.web.error_texts import shown

Record = dict[str, Any]
QosKey = tuple[str, int]
"""Sort key of a QOS: name, id."""

# In the order of sacctmgr.
_FLAGS: Final = {
    1 << 6: "DenyOnLimit",
    1 << 3: "EnforceUsageThreshold",
    1 << 0: "PartitionMinNodes",
    1 << 1: "PartitionMaxNodes",
    1 << 2: "PartitionTimeLimit",
    1 << 5: "RequiresReservation",
    1 << 7: "OverPartQOS",
    1 << 4: "NoReserve",
    1 << 8: "NoDecay",
    1 << 10: "Relative",
    1 << 9: "UsageFactorSafe",
}
# PREEMPT_MODE_… of slurm.h. CHECKPOINT exists until 19.05.
_PREEMPT_MODES: Final = {
    0x8000: "GANG",
    0x4000: "WITHIN",
    0x2000: "PRIORITY",
    0x0001: "SUSPEND",
    0x0002: "REQUEUE",
    0x0004: "CHECKPOINT",
    0x0008: "CANCEL",
}
_VALUES: Final = {
    "preempt_exempt_time": "preempt_exempt_time",
    "usage_factor": "usage_factor",
    "usage_threshold": "usage_thres",
    "limit_factor": "limit_factor",
    "min_prio_thresh": "min_prio_thresh",
    "grp_jobs": "grp_jobs",
    "grp_jobs_accrue": "grp_jobs_accrue",
    "grp_submit_jobs": "grp_submit_jobs",
    "grp_wall": "grp_wall",
}
_GROUP_TRES: Final = {
    "grp_tres": "grp_tres",
    "grp_tres_mins": "grp_tres_mins",
    "grp_tres_run_mins": "grp_tres_run_mins",
}
_MAXIMA: Final = {
    "max_wall": "max_wall_duration_per_job",
    "max_jobs_per_user": "max_jobs_per_user",
    "max_jobs_per_account": "max_jobs_pa",
    "max_jobs_accrue_per_user": "max_jobs_accrue_pu",
    "max_jobs_accrue_per_account": "max_jobs_accrue_pa",
    "max_submit_jobs_per_user": "max_submit_jobs_per_user",
    "max_submit_jobs_per_account": "max_submit_jobs_pa",
}
_TRES: Final = {
    "max_tres_per_job": "max_tres_pj",
    "max_tres_per_node": "max_tres_pn",
    "max_tres_per_user": "max_tres_pu",
    "max_tres_per_account": "max_tres_pa",
    "max_tres_mins_per_job": "max_tres_mins_pj",
    "max_tres_run_mins_per_user": "max_tres_run_mins_pu",
    "max_tres_run_mins_per_account": "max_tres_run_mins_pa",
    "min_tres_per_job": "min_tres_pj",
}


def qos_record(qos: Qos, reference: ReferenceData) -> Record:
    """Returns one record of /qos, with the fields of `acctapi.reference_contract.QosRecord`."""
    get = qos.values.get
    names = reference.tres
    return {
        "name": qos.name,
        "id": qos.id,
        "description": get("description") or None,
        "priority": get("priority") or 0,
        "flags": [name for bit, name in _FLAGS.items() if qos.flags & bit],
        "preempt": [reference.qos[number] for number in _ids(get("preempt")) if number in reference.qos],
        "preempt_mode": preempt_mode(get("preempt_mode")),
        "grace_time": get("grace_time") or 0,
        **{field: get(column) for field, column in _VALUES.items()},
        **{field: published_tres(tres(get(column), names)) for field, column in _GROUP_TRES.items()},
        **{field: get(column) for field, column in _MAXIMA.items()},
        **{field: published_tres(tres(get(column), names)) for field, column in _TRES.items()},
        "deleted": qos.deleted,
    }


def preempt_mode(number: int | None) -> str | None:
    """Returns the words of a preemption mode: `REQUEUE`, `WITHIN,CANCEL`. None if the mode of the cluster applies."""
    words = [word for bit, word in _PREEMPT_MODES.items() if (number or 0) & bit]
    return ",".join(words) or None


def _ids(text: str | None) -> Iterable[int]:
    """Yields the ids of a list with commas at both ends, `,1,3,`."""
    return (int(part) for part in (text or "").split(",") if part.isdecimal())


class QosList:
    """The QOS of all clusters of the database. At most `most` are on a page."""

    def __init__(self, database: Database, reference_data: ReferenceDataCache, most: int) -> None:
        self._database = database
        self._reference_data = reference_data
        self._most = most

    def page(self, query: QosParameters, after: QosKey | None) -> ListPage[Record, QosKey]:
        """Returns the page of `query` after the sort key `after`.

        Raises:
            ApiError: the database cannot be used, or the service may not read the limits.
        """
        reference = self._read()
        found = sorted((qos for qos in reference.qos_list if _matches(qos, query)), key=qos_key)
        page = page_of(found, qos_key, after, query.limit, self._most)
        return ListPage([qos_record(qos, reference) for qos in page.items], page.next, page.truncated)

    def one(self, name: str) -> Record:
        """Returns the record of the QOS called `name`.

        Raises:
            NotFound: there is no such QOS, or it was removed.
            ApiError: the database cannot be used, or the service may not read the limits.
        """
        reference = self._read()
        qos = reference.qos_rows.get(name) or reference.qos_rows.get(in_small_letters(name))
        if qos is None:
            raise NotFound(f"There is no QOS {shown(name)}.")
        return qos_record(qos, reference)

    def _read(self) -> ReferenceData:
        def read(connection: Connection, schema: Schema) -> ReferenceData:
            if missing := REQUIRED_QOS_LIMIT_COLUMNS - frozenset(schema.qos.c.keys()):
                raise DatabaseUnusable(
                    f"/qos needs SELECT on all of {QOS_TABLE}. The service may not read these columns:"
                    f" {', '.join(sorted(missing))}. `slurm-rest-api check` has the command.",
                    retry_after=RETRY_SECONDS,
                )
            return self._reference_data.get(connection, schema)

        return self._database.run(read)


def qos_key(qos: Qos) -> QosKey:
    """Returns the sort key of a QOS."""
    return qos.name, qos.id


def _matches(qos: Qos, query: QosParameters) -> bool:
    return (
        (query.deleted or not qos.deleted)
        and (query.name is None or qos.name in query.name)
        and (query.id is None or qos.id in query.id)
    )
