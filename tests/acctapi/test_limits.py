"""The limits that hold for a job, and the order in which slurmctld checks them."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.acctapi.associations import Associations, association_of
from slurm_rest_api.acctapi.limit_kinds import names_a_limit
from slurm_rest_api.acctapi.limits import limits_of, qos_in_order
from slurm_rest_api.acctapi.qos import Qos, qos_of
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.slurm.reasons import reason_name
from tests.acctapi.rows import assoc_row

TRES = {1: "cpu", 2: "mem", 4: "node", 1001: "gres/gpu"}
OVER_PART_QOS, RELATIVE = 0x80, 0x400
QOS_TRES = (
    "grp_tres", "grp_tres_mins", "grp_tres_run_mins", "max_tres_pj", "max_tres_pn", "max_tres_pu", "max_tres_pa",
    "max_tres_mins_pj", "max_tres_run_mins_pu", "max_tres_run_mins_pa", "min_tres_pj",
)  # fmt: skip
QOS_NUMBERS = (
    "grp_jobs", "grp_submit_jobs", "grp_wall", "max_jobs_per_user", "max_jobs_pa", "max_submit_jobs_per_user",
    "max_submit_jobs_pa", "max_wall_duration_per_job",
)  # fmt: skip
# Reasons that begin like those of limits.
OTHERS = {
    "AssociationJobLimit", "AssociationResourceLimit", "AssociationTimeLimit", "QOSUsageThreshold", "QOSJobLimit",
    "QOSResourceLimit", "QOSTimeLimit", "QOSNotAllowed", "MaxMemPerLimit",
}  # fmt: skip


def qos(name: str, number: int, **values: Any) -> Qos:
    return qos_of({"id": number, "name": name, **values})


def reference(**alice: Any) -> ReferenceData:
    rows = [
        assoc_row(id_assoc=1, max_tres_pj="1=64", grp_jobs=100),
        assoc_row(id_assoc=2, acct="science", parent_acct="root", max_jobs=50, grp_tres="1=40,1001=4"),
        assoc_row(id_assoc=3, acct="physics", parent_acct="science", grp_jobs=7, max_wall_pj=60),
        assoc_row(id_assoc=4, user="alice", acct="physics", **alice),
        assoc_row(id_assoc=5, user="alice", acct="physics", partition="gpu", max_jobs=1),
    ]
    return ReferenceData(Associations(map(association_of, rows)), {}, TRES, {})


def limits(
    *found: Qos, data: ReferenceData | None = None, partition: str = "main"
) -> list[tuple[str, str | None, str, int]]:
    """Returns name, TRES, holder and value of each limit."""
    data = data or reference()
    association = data.associations.of_job("alice", "physics", partition)
    return [
        (limit.kind.name, limit.tres, _holder(limit.holder), limit.value)
        for limit in limits_of(data, association, list(found))
    ]


def _holder(holder: Any) -> str:
    return holder.name if isinstance(holder, Qos) else holder.user or holder.acct


def test_limits_of_an_association_are_its_own_inherited_ones_and_those_of_groups_above() -> None:
    assert limits() == [
        ("MaxJobs", None, "alice", 50),
        ("MaxWall", None, "alice", 60),
        ("MaxTRES", "cpu", "alice", 64),
        ("GrpJobs", None, "physics", 7),
        ("GrpTRES", "cpu", "science", 40),
        ("GrpTRES", "gres/gpu", "science", 4),
        ("GrpJobs", None, "root", 100),
    ]


def test_the_association_for_the_partition_precedes_that_for_all() -> None:
    assert ("MaxJobs", None, "alice", 1) in limits(partition="gpu")
    assert reference().associations.of_job("bob", "physics", "gpu") is None


def test_a_qos_replaces_the_limits_of_associations() -> None:
    normal = qos("normal", 1, grp_jobs=9, max_jobs_pa=3, grp_tres="1=8", max_tres_pj="")
    found = limits(normal)
    assert found[:3] == [
        ("GrpJobs", None, "normal", 9),
        ("MaxJobsPerAccount", None, "normal", 3),
        ("GrpTRES", "cpu", "normal", 8),
    ]
    # GrpJobs of both associations, MaxJobs (replaced by either limit of the QOS) and the CPUs are gone. GPUs stay.
    assert found[3:] == [
        ("MaxWall", None, "alice", 60),
        ("MaxTRES", "cpu", "alice", 64),
        ("GrpTRES", "gres/gpu", "science", 4),
    ]


def test_the_qos_of_the_partition_precedes_that_of_the_job() -> None:
    job, part = qos("job", 1, grp_jobs=5, max_jobs_per_user=2), qos("part", 2, grp_jobs=6)
    over = qos("over", 3, flags=OVER_PART_QOS, grp_jobs=5)

    assert limits(*qos_in_order(job, part))[:2] == [
        ("GrpJobs", None, "part", 6),
        ("MaxJobsPerUser", None, "job", 2),
    ]
    assert limits(*qos_in_order(over, part))[0] == ("GrpJobs", None, "over", 5)
    assert qos_in_order(job, job) == [job]
    assert qos_in_order(None, part) == [part]
    assert qos_in_order(None, None) == []


def test_a_limit_factor_multiplies_tres_of_associations() -> None:
    found = limits(qos("big", 1, limit_factor=2.5))
    assert ("GrpTRES", "cpu", "science", 100) in found
    assert ("MaxTRES", "cpu", "alice", 160) in found
    assert ("MaxWall", None, "alice", 60) in found
    assert ("GrpTRES", "cpu", "science", 40) in limits(qos("zero", 1, limit_factor=0.0))


def test_limits_of_a_relative_qos_are_percentages() -> None:
    relative = qos("half", 1, flags=RELATIVE, grp_tres="1=50", grp_jobs=3)
    found = {limit.kind.name: limit.is_relative for limit in limits_of(reference(), None, [relative])}
    assert found == {"GrpJobs": False, "GrpTRES": True}


def test_sentinels_are_no_limits() -> None:
    # slurmdbd writes NULL for "no limit", and leaves removed TRES out of the text.
    unset = qos("none", 1, grp_jobs=None, grp_tres="", max_tres_pu="1=18446744073709551615")
    assert limits(unset) == limits()


def test_zero_is_a_limit() -> None:
    assert limits(data=reference(max_jobs=0))[0] == ("MaxJobs", None, "alice", 0)


@pytest.mark.parametrize(
    ("reason", "name", "tres"),
    [
        ("AssocGrpCpuLimit", "GrpTRES", "cpu"),
        ("AssocGrpGRES", "GrpTRES", "gres/gpu"),
        ("AssocMaxJobsLimit", "MaxJobs", None),
        ("AssocMaxWallDurationPerJobLimit", "MaxWall", None),
        ("QOSMaxJobsPerUserLimit", "MaxJobsPerUser", None),
        ("MaxJobsPerAccount", "MaxJobsPerAccount", None),
        ("QOSMaxMemoryPerUser", "MaxTRESPerUser", "mem"),
        ("QOSMinCpuNotSatisfied", "MinTRESPerJob", "cpu"),
        ("QOSGrpCPURunMinutesLimit", "GrpTRESRunMins", "cpu"),
        ("MaxNodeRunMinsPerUser", "MaxTRESRunMinsPerUser", "node"),
        ("QOSMaxSubmitJobPerUserLimit", "MaxSubmitJobsPerUser", None),
    ],
)
def test_a_reason_names_one_limit(reason: str, name: str, tres: str | None) -> None:
    found = qos("all", 1, **dict.fromkeys(QOS_TRES, "1=1,2=1,4=1,1001=1"), **dict.fromkeys(QOS_NUMBERS, 1))
    everything = [*limits_of(reference(), None, [found])]
    data = reference()
    everything += limits_of(data, data.associations.of_job("alice", "physics", None), [])
    named = {(limit.kind.name, limit.tres) for limit in everything if limit.kind.is_named_by(reason, limit.tres)}
    assert named == {(name, tres)}


def test_every_reason_of_slurm_that_names_a_limit_is_known() -> None:
    names = {name for number in range(1, 400) if (name := reason_name(number))}
    expected = {
        name for name in names if name.startswith(("Assoc", "QOS")) or "PerAccount" in name or "PerUser" in name
    }
    assert {name for name in names if names_a_limit(name)} == expected - OTHERS
