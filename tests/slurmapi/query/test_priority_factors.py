"""Priority factors as fields of /queue, and in explanations: figures, etags, hidden partitions, private data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slurm_rest_api.config import Settings
from slurm_rest_api.explainapi.contract import Priority
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.base import OptionalKind, Record, Snapshot
from slurm_rest_api.slurmapi.sources.commands.fair_share import parse_fair_share
from slurm_rest_api.slurmapi.sources.commands.priority_factors import parse_priority_factors
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.auth.users import JOB_OF, ServiceWithUsers
from tests.auth.users import load as load_users
from tests.builders import make_job, make_partition, make_running_job, make_snapshot
from tests.fakes import FakeSource
from tests.slurmapi.query.service import Service
from tests.slurmapi.query.test_fair_share import SSHARE

# sprio 23.02 with the format of `priority_factors.ARGUMENTS`. The second set of job 40 has the higher priority.
SPRIO = b"""\
JOBID|PARTITION|USER|ACCOUNT|QOSNAME|PRIORITY|SITE|AGE|ASSOC|FAIRSHARE|JOBSIZE|PARTITION|QOS|NICE|TRES
40|main|bruno|chem|normal|3784|0|1|0|1667|116|2000|0|0|
40|long|bruno|chem|normal|4784|0|1|0|1667|116|3000|0|0|
42|main|bruno|chem|normal|3677|0|1|0|1667|59|2000|0|50|
43|main|alice|physics|normal|1220|0|0|0|1000|0|0|100|0|cpu=100,mem=20
50|main|bruno|chem|normal|9|0|9|0|0|0|0|0|0|
"""
WEIGHTS = {"age": 1000, "fairshare": 10000, "job_size": 500, "partition": 3000, "qos": 0, "assoc": 0, "tres": None}
FIELDS = "priority_age,priority_fairshare,priority_job_size,priority_partition,priority_qos,priority_tres,priority_site,priority_assoc,priority_nice"  # noqa: E501 - one parameter


def snapshot(read_at: int = 1000, text: bytes = SPRIO) -> Snapshot:
    jobs = [
        make_job(40, partition="main,long", priority=4784),
        make_job(42, priority=3677),
        make_job(43, user_name="alice", priority=1220),
        make_job(44, state_reason="JobHeldUser", priority=0),
        make_running_job(50, "rack001"),
    ]
    return replace(
        make_snapshot(jobs, partitions=[make_partition("main"), make_partition("long")]),
        priority_factors=[dict(record) for record in parse_priority_factors(text.splitlines())],
        priority_weights=WEIGHTS,
        fair_share=[dict(record) for record in parse_fair_share(SSHARE.splitlines())],
        optional_kinds={"priority_factors": OptionalKind(read_at), "fair_share": OptionalKind(read_at)},
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


@pytest.fixture
def api(service: Service, source: FakeSource) -> Service:
    service.follow(source)
    source.snapshot = snapshot()
    service.cycle.run()
    return service


def queue(api: Service, **query: Any) -> dict[str, Record]:
    data: dict[str, Record] = api.get("/queue", **query)["data"]
    return data


def test_fields_are_those_of_sprio(api: Service) -> None:
    found = queue(api, fields=f"job_id,{FIELDS}")
    names = FIELDS.split(",")
    assert list(found["40"]) == ["job_id", *names]
    # The set of the partition with the highest priority.
    assert [found["40"][name] for name in names] == [1, 1667, 116, 3000, 0, None, 0, 0, 0]
    assert (found["42"]["priority_nice"], found["42"]["priority_job_size"]) == (50, 59)
    assert found["43"]["priority_tres"] == {"cpu": 100, "mem": 20}
    # sprio does not print held jobs. A job that has started since is not pending any more.
    assert [found[job][name] for job in ("44", "50") for name in names] == [None] * 18
    assert not set(names) & set(queue(api)["40"])
    one = api.get("/queue/43", fields="priority_qos,user_name")["data"]
    assert one == {"priority_qos": 100, "user_name": "alice"}
    csv = api.client.get("/queue.csv?fields=job_id,priority_age&state=PD&sort=-job_id&limit=2").text.splitlines()
    assert csv == ["job_id,priority_age", "44,", "43,0"]
    assert "priority_age" not in api.client.get("/queue.csv").text.splitlines()[0]


@pytest.mark.parametrize("query", ["fields=priority_ages", "fields=priority_age&since=x-1", "sort=priority_age"])
def test_what_cannot_be_requested(api: Service, query: str) -> None:
    assert api.client.get(f"/queue?{query}").status_code == 400


def test_only_etags_of_factors_follow_a_reading(api: Service, source: FakeSource) -> None:
    paths = ["/queue", "/queue?fields=job_id,priority", "/queue?fields=priority_age", "/queue/40?fields=priority_age"]
    before = {path: api.client.get(path).headers["ETag"] for path in paths}

    def statuses() -> list[int]:
        return [api.client.get(path, headers={"If-None-Match": before[path]}).status_code for path in paths]

    source.snapshot = snapshot()
    api.cycle.run()
    assert statuses() == [304] * 4
    source.snapshot = snapshot(1060, SPRIO.replace(b"3677|0|1|", b"3678|0|2|"))
    api.cycle.run()
    assert statuses() == [304, 304, 200, 200]
    assert queue(api, jobid=42, fields="priority_age")["42"] == {"priority_age": 2}


def test_readings_stay_until_the_kind_is_off(api: Service, source: FakeSource) -> None:
    known = snapshot()
    kinds = {"priority_factors": OptionalKind(None, "sprio failed.", 1000)}
    source.snapshot = replace(known, priority_factors=None, optional_kinds=kinds)
    api.cycle.run()
    assert queue(api, fields="priority_age")["42"] == {"priority_age": 1}
    source.snapshot = replace(snapshot(), priority_factors=None, optional_kinds={})
    api.cycle.run()
    assert queue(api, fields="priority_age")["42"] == {"priority_age": None}
    assert api.get("/queue/42/explain")["data"]["priority"] is None


def test_explain_has_the_factors_of_each_partition(api: Service) -> None:
    found = api.get("/queue/40/explain")["data"]["priority"]
    Priority.model_validate(found)
    assert (found["read_at"], found["weights"]) == (1000, WEIGHTS)
    sets = [(one["partition"], one["priority"], one["factors"]["partition"]) for one in found["partitions"]]
    assert sets == [("long", 4784, 3000), ("main", 3784, 2000)]
    for one in found["partitions"]:
        factors = one["factors"]
        tres = sum((factors["tres"] or {}).values())
        total = sum(factors[name] for name in factors if name not in ("tres", "nice")) + tres - factors["nice"]
        assert total == one["priority"]
    assert api.get("/queue/44/explain")["data"]["priority"] is None
    assert api.get("/queue/50/explain")["data"]["priority"] is None


def test_explain_has_the_fair_share_of_the_association(api: Service, source: FakeSource) -> None:
    assert api.get("/queue/43/explain")["data"]["fairshare"]["name"] == "physics/alice"
    # Of ada there is no association.
    assert api.get("/queue/42/explain")["data"]["fairshare"] is None
    jobs = [make_job(43, user_name="alice", account="physics", partition="main,secret")]
    source.snapshot = replace(snapshot(), jobs=iter(jobs))
    api.cycle.run()
    found = api.get("/queue/43/explain?fields=fairshare")["data"]["fairshare"]
    assert (found["name"], found["fair_share"]) == ("physics/alice/secret", 0.6)


def test_sets_of_hidden_partitions_are_hidden(service: Service, source: FakeSource) -> None:
    service.follow(source)
    source.snapshot = snapshot()
    cycle = Cycle(source, StoreWriter(service.paths.store), hidden=["long"], refresh_seconds=3600.0)
    cycle.run()
    assert queue(service, fields="priority_partition")["40"] == {"priority_partition": 2000}
    assert [one["partition"] for one in service.get("/queue/40/explain")["data"]["priority"]["partitions"]] == ["main"]


def test_private_data(settings: Settings, source: FakeSource, cycle: Cycle) -> None:
    jobs = [
        make_job(JOB_OF["alice"], user_name="alice", account="physics"),
        make_job(JOB_OF["bob"], user_name="bob", account="chemistry"),
    ]
    load_users(source, cycle, jobs)
    source.snapshot = replace(snapshot(), jobs=iter(jobs))
    cycle.run()
    # With private usage alice sees her own fair share, and not that of bob, whose job she sees.
    service = ServiceWithUsers(settings, "usage")
    shares = [service.get_as("alice", f"/queue/{JOB_OF[user]}/explain").get_json()["data"] for user in ("alice", "bob")]
    assert shares[0]["fairshare"]["user"] == "alice"
    assert shares[1]["fairshare"] is None
    private = ServiceWithUsers(settings, "jobs")
    found = private.get_as("alice", "/queue?fields=priority_age").get_json()["data"]
    assert set(found) == {str(JOB_OF["alice"])}
