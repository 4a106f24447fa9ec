"""/qos against `sacctmgr show qos`, field by field: its columns and its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.reference_contract import QosRecord
from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import Row, differences, known
from tests.conftest import make_client
from tests.testbed.cluster import Cluster

NAME = "comparedqos"
_MIB = {"G": 1024, "T": 1024 * 1024}


def _number(text: str) -> int | None:
    return int(text) if text else None


def tres(text: str) -> dict[str, int]:
    """`cpu=4,mem=1500G` as counts by name, memory in MiB."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    return {name: round(float(count.rstrip("MGT")) * _MIB.get(count[-1], 1)) for name, _, count in pairs}


def _factor(text: str) -> float | None:
    return float(text) if text else None


def _seconds(text: str) -> int:
    days, _, clock = text.rpartition("-")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _seconds_if_any(text: str) -> int | None:
    return _seconds(text) if text else None


def _minutes(text: str) -> int | None:
    return _seconds(text) // 60 if text else None


def _words(text: str) -> list[str]:
    return text.split(",") if text else []


def _mode(text: str) -> str | None:
    return None if text == "cluster" else text.upper()


ROWS = [
    Row("name", "name"), Row("id", "id", int), Row("description", "description"), Row("priority", "priority", int),
    Row("flags", "flags%200", _words), Row("preempt", "preempt%99", _words), Row("preempt_mode", "preemptmode", _mode),
    Row("grace_time", "gracetime", _seconds), Row("preempt_exempt_time", "preemptexempttime", _seconds_if_any),
    Row("usage_factor", "usagefactor", float), Row("usage_threshold", "usagethreshold", _factor),
    Row("limit_factor", "limitfactor", _factor), Row("min_prio_thresh", "minpriothres", _number),
    Row("grp_jobs", "grpjobs", _number), Row("grp_jobs_accrue", "grpjobsaccrue", _number),
    Row("grp_submit_jobs", "grpsubmit", _number), Row("grp_wall", "grpwall", _minutes),
    Row("grp_tres", "grptres", tres), Row("grp_tres_mins", "grptresmins", tres),
    Row("grp_tres_run_mins", "grptresrunmins", tres), Row("max_wall", "maxwall", _minutes),
    Row("max_jobs_per_user", "maxjobspu", _number), Row("max_jobs_per_account", "maxjobspa", _number),
    Row("max_jobs_accrue_per_user", "maxjobsaccruepu", _number),
    Row("max_jobs_accrue_per_account", "maxjobsaccruepa", _number),
    Row("max_submit_jobs_per_user", "maxsubmitpu", _number), Row("max_submit_jobs_per_account", "maxsubmitpa", _number),
    Row("max_tres_per_job", "maxtres", tres), Row("max_tres_per_node", "maxtrespernode", tres),
    Row("max_tres_per_user", "maxtrespu", tres), Row("max_tres_per_account", "maxtrespa", tres),
    Row("max_tres_mins_per_job", "maxtresmins", tres), Row("max_tres_run_mins_per_user", "maxtresrunminspu", tres),
    Row("max_tres_run_mins_per_account", "maxtresrunminspa", tres), Row("min_tres_per_job", "mintres", tres),
]  # fmt: skip


def _counts(value: list[dict[str, Any]]) -> dict[str, int]:
    return {f"{one['type']}/{one['name']}" if one["name"] else one["type"]: one["count"] for one in value}


def _modes(value: list[str]) -> str | None:
    return ",".join(word for word in value if word != "DISABLED") or None


JSON_ROWS = [
    Row("name", "name"), Row("id", "id"), Row("description", "description"), Row("priority", "priority", known),
    Row("preempt", "preempt.list"), Row("preempt_mode", "preempt.mode", _modes),
    Row("preempt_exempt_time", "preempt.exempt_time", known), Row("grace_time", "limits.grace_time"),
    Row("usage_factor", "usage_factor", lambda value: value["number"]),
    Row("usage_threshold", "usage_threshold", lambda value: value["number"] if value["set"] else None),
    Row("limit_factor", "limits.factor", lambda value: value["number"] if value["set"] else None),
    Row("min_prio_thresh", "limits.min.priority_threshold", known),
    Row("grp_jobs", "limits.max.active_jobs.count", known),
    Row("grp_jobs_accrue", "limits.max.active_jobs.accruing", known),
    Row("grp_submit_jobs", "limits.max.jobs.count", known), Row("grp_wall", "limits.max.wall_clock.per.qos", known),
    Row("grp_tres", "limits.max.tres.total", _counts), Row("grp_tres_mins", "limits.max.tres.minutes.total", _counts),
    Row("grp_tres_run_mins", "limits.max.tres.minutes.per.qos", _counts),
    Row("max_wall", "limits.max.wall_clock.per.job", known),
    Row("max_jobs_per_user", "limits.max.jobs.active_jobs.per.user", known),
    Row("max_jobs_per_account", "limits.max.jobs.active_jobs.per.account", known),
    Row("max_jobs_accrue_per_user", "limits.max.accruing.per.user", known),
    Row("max_jobs_accrue_per_account", "limits.max.accruing.per.account", known),
    Row("max_submit_jobs_per_user", "limits.max.jobs.per.user", known),
    Row("max_submit_jobs_per_account", "limits.max.jobs.per.account", known),
    Row("max_tres_per_job", "limits.max.tres.per.job", _counts),
    Row("max_tres_per_node", "limits.max.tres.per.node", _counts),
    Row("max_tres_per_user", "limits.max.tres.per.user", _counts),
    Row("max_tres_per_account", "limits.max.tres.per.account", _counts),
    Row("max_tres_mins_per_job", "limits.max.tres.minutes.per.job", _counts),
    Row("max_tres_run_mins_per_user", "limits.max.tres.minutes.per.user", _counts),
    Row("max_tres_run_mins_per_account", "limits.max.tres.minutes.per.account", _counts),
    Row("min_tres_per_job", "limits.min.tres.per.job", _counts),
]  # fmt: skip


@pytest.fixture(scope="module")
def accounting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client; three QOS have every limit and flag, other modes of preemption, and nothing."""
    _manage(
        cluster,
        f"add qos {NAME} description=some_text priority=17 gracetime=90 preempt=normal,urgent preemptmode=requeue"
        " preemptexempttime=00:05:00 usagefactor=0.5 usagethreshold=0.25 limitfactor=1.5"
        " flags=DenyOnLimit,EnforceUsageThreshold,PartitionMinNodes,PartitionMaxNodes,PartitionTimeLimit,"
        "RequiresReservation,OverPartQOS,NoReserve,NoDecay,Relative,UsageFactorSafe"
        " grptres=cpu=10,mem=20 grptresmins=cpu=1000 grptresrunmins=cpu=50 grpjobs=5 grpjobsaccrue=4 grpsubmit=9"
        " grpwall=600 maxtresperjob=cpu=8 maxtrespernode=cpu=4 maxtresperuser=cpu=16 maxtresperaccount=cpu=32"
        " maxtresminsperjob=cpu=77 maxtresrunminsperuser=cpu=66 maxtresrunminsperaccount=cpu=55 maxjobsperuser=3"
        " maxjobsperaccount=6 maxjobsaccrueperuser=2 maxjobsaccrueperaccount=7 maxsubmitjobsperuser=8"
        " maxsubmitjobsperaccount=12 maxwall=2-00:30:00 mintresperjob=cpu=2 minpriothres=5",
    )
    _manage(
        cluster, f"add qos {NAME}2 preemptmode=cancel maxtresperjob=mem=1500G,gres/gpu=4 maxjobsperuser=0 maxwall=0"
    )
    _manage(cluster, f"add qos {NAME}3")
    try:
        with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
            yield make_client(settings)
    finally:
        _manage(cluster, f"delete qos {NAME},{NAME}2,{NAME}3")


def _manage(cluster: Cluster, words: str) -> None:
    cluster.run(["sacctmgr", "-i", *words.split()])


def _ours(client: FlaskClient) -> dict[str, dict[str, Any]]:
    response = client.get("/qos")
    assert response.status_code == 200, response.text
    return {record["name"]: record for record in response.get_json()["data"]}


def test_every_qos_is_what_sacctmgr_prints(cluster: Cluster, accounting: FlaskClient) -> None:
    columns = [row.slurm for row in ROWS]
    printed = cluster.run(["sacctmgr", "-nP", "show", "qos", f"format={','.join(columns)}"]).stdout
    told = {line.split("|")[0]: dict(zip(columns, line.split("|"), strict=True)) for line in printed.splitlines()}
    ours = _ours(accounting)
    wrong = {name: found for name in told if (found := differences(ROWS, ours[name], told[name], told[name]))}

    assert set(ours) == set(told) >= {"normal", NAME, f"{NAME}2", f"{NAME}3"}
    assert wrong == {}
    assert {row.field for row in ROWS} | {"deleted"} == set(QosRecord.model_fields)


def test_every_qos_is_what_sacctmgr_writes_as_json(cluster: Cluster, accounting: FlaskClient) -> None:
    document = json.loads(cluster.run(["sacctmgr", "--json", "show", "qos"]).stdout)
    told = {one["name"]: one for one in document["qos"]}
    ours = _ours(accounting)
    wrong = {name: found for name in told if (found := differences(JSON_ROWS, ours[name], told[name], told[name]))}

    assert set(ours) == set(told)
    assert wrong == {}
    assert {row.field for row in JSON_ROWS} | {"deleted", "flags"} == set(QosRecord.model_fields)
