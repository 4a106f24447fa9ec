"""Jobs of two days of a month that has ended, which slurmdbd has summed up, and the reports of sreport about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from tests.testbed.cluster import Cluster

CLUSTER: Final = "testbed"
TRES: Final = "cpu,mem,gres/gpu"
_YESTERDAY: Final = datetime.now() - timedelta(days=1)  # noqa: DTZ005
# slurmdbd sums up whole months.
UNTIL: Final = _YESTERDAY.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
MONTH: Final = (UNTIL - timedelta(days=1)).replace(day=1)
SINCE: Final = UNTIL - timedelta(days=2)
DAY: Final = int(SINCE.timestamp())
FIRST_JOB: Final = 900_000_000
_COMPLETED: Final = 3
# User, QOS, workload key, state, start and end in seconds of the window (None: it never started), TRES.
_JOBS: Final = (
    ("alice", 1, "past_one", _COMPLETED, 600, 9000, "1=16,2=4000,4=1,5=16"),
    ("alice", 2, "past_two", _COMPLETED, 30_000, 100_000, "1=8,2=2000,4=1,5=8,1001=2"),
    ("bob", 1, "past_one", _COMPLETED, 80_000, 90_500, "1=32,2=64000,4=2,5=32"),
    ("carol", 1, None, _COMPLETED, -5000, 7300, "1=2,2=100,4=1,5=2"),
    ("carol", 1, None, _COMPLETED, 160_000, 171_111, "1=4,2=1000,4=1,5=4,1001=1"),
    # NODE_FAIL, PREEMPTED, BOOT_FAIL, DEADLINE after and before its start, OUT_OF_MEMORY, REVOKED.
    ("alice", 1, None, 7, 1000, 1777, "1=3,2=300,4=1,5=3"),
    ("bob", 1, None, 8, 2000, 3100, "1=4,2=500,4=1,5=4,1001=1"),
    ("alice", 2, None, 9, 2500, 2500, "1=1,2=100,4=1,5=1"),
    ("bob", 1, None, 10, 3000, 4200, "1=2,2=100,4=1,5=2"),
    ("alice", 1, None, 10, None, 4000, ""),
    ("carol", 1, None, 11, 4000, 4900, "1=5,2=700,4=1,5=5"),
    ("carol", 1, None, 524_288, None, 5000, ""),
)
ENDS: Final = frozenset(
    ("COMPLETED", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "REVOKED")
)  # fmt: skip
_JOB_COLUMNS: Final = (
    "job_db_inx, id_job, id_assoc, id_qos, id_wckey, id_user, account, job_name, `partition`, state, time_submit,"
    " time_eligible, time_start, time_end, tres_alloc, tres_req"
)
_EVENT_COLUMNS: Final = "time_start, time_end, node_name, cluster_nodes, reason, reason_uid, state, tres"


@contextmanager
def past_usage(cluster: Cluster) -> Iterator[None]:
    """Stores the jobs with workload keys and an event, and has slurmdbd sum them up. Removes them afterwards."""
    cluster.run(["sacctmgr", "-i", "add", "user", "alice,bob", "wckeys=past_one,past_two"])
    of_cluster = "1=112,2=224000,3=0,4=8,5=112,6=0,7=0,8=0,1001=4,1002=0,1003=0"
    events = ", ".join(
        f"({DAY + start}, {DAY + end}, '{node}', '', 'before', 0, {state}, '{_known(cluster, tres)}')"
        for start, end, node, state, tres in (
            (-90_000, 2 * 86400 + 3600, "", 0, of_cluster),
            (10_000, 40_000, "pastnode", 1, "1=16,2=32000"),
        )
    )
    cluster.sql(
        f"SET sql_mode = ''; INSERT INTO {CLUSTER}_job_table ({_JOB_COLUMNS}) VALUES {_job_values(cluster)};"
        f" INSERT INTO {CLUSTER}_event_table ({_EVENT_COLUMNS}) VALUES {events};"
    )
    try:
        cluster.run(["sacctmgr", "-i", "rollup", f"{SINCE:%Y-%m-%dT%H:%M}", f"{UNTIL:%Y-%m-%dT%H:%M}"])
        yield
    finally:
        for user in ("alice", "bob"):
            cluster.run(["sacctmgr", "-i", "delete", "user", user, "wckeys=past_one,past_two"], check=False)
        tables = {name for [name] in cluster.sql(f"SHOW TABLES LIKE '{CLUSTER}%usage%table'")}
        usage = [f"DELETE FROM {name} WHERE time_start < {DAY + 2 * 86400};" for name in tables]
        cluster.sql(
            f"DELETE FROM {CLUSTER}_job_table WHERE job_db_inx >= {FIRST_JOB} AND job_name = 'past';"
            f" DELETE FROM {CLUSTER}_event_table WHERE reason = 'before'; {' '.join(usage)}"
        )


def _job_values(cluster: Cluster) -> str:
    associations = {user: (number, account) for number, user, account in _listed(cluster, "assoc", "id,user,account")}
    wckeys = {(user, name): number for user, name, number in _listed(cluster, "wckey", "user,wckey,id")}
    rows = []
    for number, (user, qos, wckey, state, start, end, tres) in enumerate(_JOBS, FIRST_JOB):
        assoc, account = associations[user]
        begin = 0 if start is None else DAY + start
        ready = DAY + (end if start is None else start) - 1500
        keys = f"{number}, {number}, {assoc}, {qos}, {wckeys.get((user, wckey or ''), 0)}, 1001, '{account}'"
        times = f"{ready}, {ready + 77}, {begin}, {DAY + end}"
        rows.append(f"({keys}, 'past', 'main', {state}, {times}, '{tres}', '{tres}')")
    return ", ".join(rows)


def _known(cluster: Cluster, tres: str) -> str:
    """Returns the TRES of the text that slurmdbd knows."""
    known = {number for [number] in _listed(cluster, "tres", "id")}
    return ",".join(part for part in tres.split(",") if part.partition("=")[0] in known)


def _listed(cluster: Cluster, what: str, columns: str) -> list[list[str]]:
    printed = cluster.run(["sacctmgr", "-nP", "show", what, f"format={columns}"]).stdout
    return [line.split("|") for line in printed.splitlines()]


def read_sreport(
    cluster: Cluster,
    report: str,
    start: datetime,
    end: datetime,
    columns: str,
    user: str = "root",
    tres: str = TRES,
) -> list[list[str]]:
    """Returns the lines of a report of `sreport cluster` in TRES seconds. `user` runs it, by default root."""
    window = [f"start={start:%Y-%m-%dT%H:%M:%S}", f"end={end:%Y-%m-%dT%H:%M:%S}"]
    command = ["sreport", "-nP", "-t", "seconds", "-T", tres, "cluster", report, *window, f"format={columns}"]
    output = cluster.run(command, user=user, check=user == "root").stdout
    return [line.split("|") for line in output.splitlines()]
