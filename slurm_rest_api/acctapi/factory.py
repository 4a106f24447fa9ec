"""Builds the accounting routes' parts from the settings."""

from __future__ import annotations

from typing import Final

from slurm_rest_api.acctapi.accounts import Accounts
from slurm_rest_api.acctapi.coordinators import Coordinators
from slurm_rest_api.acctapi.database import open_database
from slurm_rest_api.acctapi.events import Events
from slurm_rest_api.acctapi.history import History, HistoryLimits
from slurm_rest_api.acctapi.history_sums import HistorySums
from slurm_rest_api.acctapi.jobs_by_id import JobsById
from slurm_rest_api.acctapi.qos_records import QosList
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.acctapi.steps import Steps
from slurm_rest_api.acctapi.users import Users
from slurm_rest_api.acctapi.utilization import Utilization
from slurm_rest_api.acctapi.views import Accounting
from slurm_rest_api.config import Settings

_JOB_TABLE: Final = "_job_table"


def open_accounting(settings: Settings, threads: int | None = None) -> Accounting | None:
    """Builds the parts of /users and /history without connecting. Returns None when `system.use_acct_db` is off.

    At most `threads` threads of this process use the database at a time, and at most `database.db_pool_size`.
    """
    if not settings.system.use_acct_db:
        return None
    options = settings.database
    database = open_database(options, threads)
    reference_data = ReferenceDataCache(options.names_cache_seconds)
    hidden = frozenset(settings.filter.partitions)
    most = options.history_max_limit
    cluster = options.table_job.removesuffix(_JOB_TABLE)
    limits = HistoryLimits(records=options.history_max_limit, seconds=options.db_statement_seconds)
    history = History(database, reference_data, hidden, cluster, limits)
    return Accounting(
        database=database,
        history=history,
        sums=HistorySums(database, history, most),
        users=Users(database, reference_data, hidden, options.history_max_limit),
        coordinators=Coordinators(database, reference_data, options.names_cache_seconds),
        jobs=JobsById(database, reference_data, hidden, cluster),
        reference_data=reference_data,
        qos=QosList(database, reference_data, options.history_max_limit),
        accounts=None
        if options.table_acct is None
        else Accounts(database, reference_data, hidden, most, reads_coordinators=options.table_coord is not None),
        events=None if options.table_event is None else Events(database, reference_data, most),
        steps=None if options.table_step is None else Steps(database, history, most),
        utilization=None
        if options.tables_usage is None
        else Utilization(database, reference_data, hidden, most, options.db_statement_seconds),
        source="demo" if settings.system.source_name == "demo" else "slurmdbd",
        cluster=cluster,
    )
