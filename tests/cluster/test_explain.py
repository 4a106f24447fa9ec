"""`/queue/{id}/explain` against squeue, scontrol, sprio and sshare, for a job of each common reason.

The limits of associations and QOS have a module of their own, test_limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pytest

from tests.cluster.one_load import OneLoad
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.steps import wait_until
from tests.testbed.truth import parse_record

RESERVATIONS: Final = {
    "ex_later": "nodes=rack002 starttime=now+3hours duration=60 users=alice flags=ignore_jobs",
    "ex_maint": "nodes=rack004 starttime=now+20minutes duration=60 users=root flags=maint,ignore_jobs",
    "ex_past": "nodes=rack003 starttime=now duration=60 users=alice flags=ignore_jobs",
}
# By the name of the job: options, and the reason without its details. rack007 is the only `small` node in `long`.
# Jobs in `long` have a lower priority: a job that waits for resources there keeps its nodes from other partitions.
WAITING: Final = {
    "ex_array": ("-p main -w rack001 -n 1 --mem=100 --array=0-3%1", "JobArrayTaskLimit"),
    "ex_licenses": ("-p main -w rack001 -n 1 --mem=100 -L matlab:2", "Licenses"),
    "ex_reservation": ("-p main -n 1 --mem=100 --reservation=ex_later", "Reservation"),
    "ex_maint": ("-p main -w rack004 -n 1 --mem=100 -t 60", "ReqNodeNotAvail"),
    "ex_drained": ("-p main -w rack006 -n 1 --mem=100", "ReqNodeNotAvail"),
    "ex_down": ("-p main -w rack005 -n 1 --mem=100", "ReqNodeNotAvail"),
    "ex_too_long": ("-p high -n 1 --mem=100 -t 180", "PartitionTimeLimit"),
    "ex_too_many": ("-p high -N 5 -n 5", "PartitionNodeLimit"),
    "ex_closed": ("-p ex_closed -n 1 --mem=100", "PartitionDown"),
    "ex_resources": ("-p long -C small --exclusive -t 10 --nice=30", "Resources"),
    "ex_priority": ("-p long -C small --exclusive -t 10 --nice=60", "Priority"),
    "ex_last": ("-p long -C small -n 8 -t 10 --nice=90", "Priority"),
    "ex_depends": ("-p long -d afterok:{ex_runs},afterany:{ex_licenses_run}", "Dependency"),
    "ex_begin": ("-p long --begin=2030-01-01T00:00:00", "BeginTime"),
    "ex_held": ("-p long --hold", "JobHeldUser"),
    "ex_held_admin": ("-p ex_closed -n 1 --mem=100", "JobHeldAdmin"),
}  # fmt: skip
IN_LONG: Final = ("ex_resources", "ex_priority", "ex_last")
# The answer for its own request in its partition. A job that waits for licenses could have its node.
AVAILABILITY: Final = {
    **dict.fromkeys(("ex_held", "ex_begin", "ex_depends", "ex_array", "ex_licenses"), "now"),
    **dict.fromkeys((*IN_LONG, "ex_reservation", "ex_maint", "ex_drained", "ex_down", "ex_closed"), "later"),
    **dict.fromkeys(("ex_too_long", "ex_too_many"), "never"),
}
ENDS_BY: Final = {
    "ex_resources": "other_jobs", "ex_priority": "other_jobs", "ex_depends": "own_jobs", "ex_begin": "time",
    "ex_held": "user", "ex_held_admin": "administrator", "ex_array": "own_jobs", "ex_licenses": "other_jobs",
    "ex_reservation": "time", "ex_drained": "administrator", "ex_down": "administrator", "ex_too_long": "never",
    "ex_too_many": "never", "ex_closed": "administrator",
}  # fmt: skip


class Printed(NamedTuple):
    """Prints of squeue, sprio and sshare: reasons and starts by the names of jobs, factors by id, and a fair share."""

    reasons: dict[str, str]
    starts: dict[str, str]
    factors: dict[str, list[str]]
    share: list[str]


@dataclass(frozen=True)
class Waiting:
    """The explanation of each waiting job by its name, and what Slurm's commands print before and after it."""

    ids: dict[str, int]
    explained: dict[str, dict[str, Any]]
    scontrol: dict[str, dict[str, str]]
    printed: tuple[Printed, Printed]
    considered: dict[str, list[str]]
    reservations: dict[str, dict[str, str]]
    ours: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def waiting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    jobs = Jobs(cluster)
    lines = [f"create reservation reservationname={name} {options}" for name, options in RESERVATIONS.items()]
    try:
        lines.append("create partitionname=ex_closed nodes=rack001 maxtime=60 state=down")
        # Drained, too: a node that is down returns to service when it registers.
        lines += [f"update nodename=rack005 state={state} reason=ex_down" for state in ("drain", "down")]
        cluster.run(["scontrol"], text_input="\n".join(lines))
        cluster.drain("rack006", "ex_drain")
        yield read(cluster, OneLoad(cluster, tmp_path_factory.mktemp("explain")), submit(cluster, jobs))
    finally:
        jobs.cancel_all()
        for node in ("rack005", "rack006"):
            cluster.undrain(node)
        for name in RESERVATIONS:
            cluster.run(["scontrol", "delete", f"reservationname={name}"], check=False)
        cluster.run(["scontrol", "delete", "partitionname=ex_closed"], check=False)


def submit(cluster: Cluster, jobs: Jobs) -> dict[str, int]:
    """Submits the jobs, and waits until each of them has its reason."""
    ids = {
        "ex_runs": jobs.submit(partition="long", nodelist="rack007", exclusive=True, time=30),
        "ex_licenses_run": jobs.submit(partition="main", nodelist="rack001", licenses="matlab:3", time=30, mem=100),
        "ex_past_runs": jobs.submit(partition="main", reservation="ex_past", nodelist="rack003", time=30, mem=100),
    }
    for job in ids.values():
        cluster.wait_state(job, {"RUNNING"})
    lines = [
        f"sbatch --parsable -D /tmp -o /dev/null -J {name} {options.format_map(ids)} --wrap 'sleep 600'"
        for name, (options, _) in WAITING.items()
    ]
    submitted = cluster.run(["sh", "-e"], user="alice", text_input="\n".join(lines)).stdout.split()
    ids |= dict(zip(WAITING, map(int, submitted), strict=True))
    jobs.adopt(*ids.values())
    cluster.hold(ids["ex_held_admin"])
    cluster.run(["scontrol", "update", "reservationname=ex_past", "endtime=now+1"])
    wanted = {name: reason for name, (_, reason) in WAITING.items()}
    wait_until(
        "the jobs to wait for their reasons", lambda: reasons(cluster), lambda seen: seen.items() >= wanted.items()
    )
    # The backfill scheduler gives the estimates.
    wait_until("an estimated start", lambda: starts(cluster), lambda seen: set(seen) >= set(IN_LONG))
    past = ["scontrol", "show", "res", "ex_past"]
    wait_until("ex_past to end", lambda: cluster.run(past).stdout, lambda seen: "State=INACTIVE" in seen)
    return ids


def reasons(cluster: Cluster) -> dict[str, str]:
    """Returns the reasons of pending jobs by their names, without details."""
    return {name: reason.partition(",")[0] for name, reason in whole_reasons(cluster).items()}


def whole_reasons(cluster: Cluster) -> dict[str, str]:
    """Returns the reasons of pending jobs by their names, as squeue prints them."""
    printed = cluster.run(["squeue", "-h", "-t", "PD", "-o", "%j|%r"]).stdout
    return dict(line.split("|", 1) for line in printed.splitlines())


def starts(cluster: Cluster) -> dict[str, str]:
    """Returns the starts that `squeue --start` prints, by name, in epoch seconds."""
    argv = ["squeue", "-h", "--start", "-o", "%j|%S"]
    printed = cluster.run(argv, env={"SLURM_TIME_FORMAT": "%s"}).stdout
    found = dict(line.split("|", 1) for line in printed.splitlines())
    return {name: start for name, start in found.items() if start.isdecimal()}


def factors(cluster: Cluster) -> dict[str, list[str]]:
    """Returns by job id what sprio prints: priority, and the factors age, fair share, partition and QOS."""
    printed = cluster.run(["sprio", "-h", "-o", "%i %Y %A %F %P %Q"]).stdout
    return {line.split()[0]: line.split()[1:] for line in printed.splitlines()}


def share(cluster: Cluster) -> list[str]:
    """Returns raw shares, raw usage, effective usage and fair share of alice, as sshare prints them."""
    columns = "RawShares,RawUsage,EffectvUsage,FairShare"
    return cluster.run(["sshare", "-h", "-P", "-U", "-u", "alice", "-A", "physics", "-o", columns]).stdout.split("|")


def read(cluster: Cluster, ours: OneLoad, ids: dict[str, int]) -> Waiting:
    """Loads the cluster between two readings of Slurm's commands."""
    first = printed(cluster)
    ours.load()
    explained = {name: ours.data(f"/queue/{ids[name]}/explain") for name in WAITING}
    second = printed(cluster)
    reservations = cluster.run(["scontrol", "-o", "show", "res"], env={"SLURM_TIME_FORMAT": "%s"}).stdout.splitlines()
    lines = cluster.run(["scontrol", "-o", "show", "job"], env={"SLURM_TIME_FORMAT": "%s"}).stdout.splitlines()
    records = {record["JobName"]: record for record in map(parse_record, lines) if record["JobName"] in WAITING}
    return Waiting(
        ids,
        explained,
        records,
        (first, second),
        considered(cluster, second.factors, ids),
        {record["ReservationName"]: record for record in map(parse_record, reservations)},
        ours.data("/reservations"),
    )


def printed(cluster: Cluster) -> Printed:
    return Printed(whole_reasons(cluster), starts(cluster), factors(cluster), share(cluster))


def considered(cluster: Cluster, ranked: dict[str, list[str]], ids: dict[str, int]) -> dict[str, list[str]]:
    """Returns by partition the jobs that the scheduler considers, in the order of squeue."""
    argv = ["squeue", "-h", "-t", "PD", "-p", "long,main", "--sort=-p,V,i", "-o", "%P|%j"]
    found: dict[str, list[str]] = {"long": [], "main": []}
    for line in cluster.run(argv).stdout.splitlines():
        partition, _, name = line.partition("|")
        if str(ids.get(name)) in ranked:
            found[partition].append(name)
    return found


@pytest.mark.parametrize("name", WAITING)
def test_the_reason_is_that_of_squeue(waiting: Waiting, name: str) -> None:
    found, (_, reason) = waiting.explained[name], WAITING[name]
    assert found["reason"] == reason
    # scontrol writes underscores for blanks.
    whole = (found["details"] or reason).replace("_", " ").replace(", ", ",")
    assert whole in [seen.reasons[name].replace("_", " ").replace(", ", ",") for seen in waiting.printed]
    assert found["ends_by"][0] == ENDS_BY.get(name, "other_jobs")


def test_estimated_starts_are_those_of_squeue(waiting: Waiting) -> None:
    found = {name: waiting.explained[name]["estimated_start"] for name in WAITING}
    # The begin time of a job is no estimate.
    assert found.pop("ex_begin") is None
    for name, start in found.items():
        assert start in [int(seen.starts[name]) if name in seen.starts else None for seen in waiting.printed], name
    assert found["ex_resources"] < found["ex_priority"] < found["ex_last"]
    # In the way of this one is a reservation, so it starts after that.
    assert found["ex_maint"] >= int(waiting.reservations["ex_maint"]["EndTime"])


def test_eligible_times_are_those_of_scontrol(waiting: Waiting) -> None:
    for name, record in waiting.scontrol.items():
        time = record["EligibleTime"]
        assert waiting.explained[name]["eligible_time"] == (None if time == "Unknown" else int(time)), name
    assert waiting.explained["ex_begin"]["eligible_time"] > waiting.explained["ex_resources"]["eligible_time"]


def test_ranks_are_the_order_of_squeue(waiting: Waiting) -> None:
    ranks = {name: waiting.explained[name]["rank"] for name in WAITING}
    for partition, names in waiting.considered.items():
        for place, name in enumerate(names, 1):
            assert [(rank["partition"], rank["place"]) for rank in ranks[name]] == [(partition, place)], name
    # sprio prints the jobs that the scheduler considers, and those that exceed limits of their partition.
    unranked = {name for name, rank in ranks.items() if rank is None}
    assert unranked - {"ex_too_long", "ex_too_many", "ex_closed"} == {
        name for name in WAITING if str(waiting.ids[name]) not in waiting.printed[1].factors
    }
    assert all((waiting.explained[name]["no_rank"] is None) != (name in unranked) for name in WAITING)


def test_dependencies_are_those_of_scontrol(waiting: Waiting) -> None:
    found = waiting.explained["ex_depends"]["dependencies"]
    text = ",".join(f"{one['type']}:{one['job_id']}({one['condition']})" for one in found)
    assert text == waiting.scontrol["ex_depends"]["Dependency"]
    assert [one["state"] for one in found] == ["RUNNING", "RUNNING"]
    assert waiting.scontrol["ex_begin"]["Dependency"] == "(null)"
    assert waiting.explained["ex_begin"]["dependencies"] == []


def test_reservations_and_nodes_are_those_in_its_way(waiting: Waiting) -> None:
    found = {name: waiting.explained[name]["reservations"] for name in WAITING}
    names = {name: [(one["name"], one["relation"], one["state"]) for one in ones] for name, ones in found.items()}
    assert names["ex_reservation"] == [("ex_later", "in", "UPCOMING")]
    assert names["ex_maint"] == [("ex_maint", "behind", "UPCOMING")]
    times = [int(waiting.reservations["ex_maint"][key]) for key in ("StartTime", "EndTime")]
    assert [found["ex_maint"][0][key] for key in ("start_time", "end_time")] == times
    for name, node in {"ex_drained": "rack006", "ex_down": "rack005"}.items():
        [unavailable] = waiting.explained[name]["unavailable_nodes"]
        assert (unavailable["name"], unavailable["reason"]) == (node, name.removesuffix("ed"))
        assert "DRAIN" in unavailable["state"]
        assert "down, drained or not responding" in waiting.explained[name]["text"]
        assert names[name] == []


def test_a_reservation_whose_job_outlasts_it_is_past(waiting: Waiting) -> None:
    # Slurm deletes a reservation after its end. It keeps it for ResvOverRun while a job runs there.
    assert waiting.reservations["ex_past"]["State"] == "INACTIVE"
    states = {name: record["state"] for name, record in waiting.ours.items()}
    assert states == {"ex_past": "PAST", "ex_later": "UPCOMING", "ex_maint": "UPCOMING"}
    assert waiting.ours["ex_past"]["end_time"] == int(waiting.reservations["ex_past"]["EndTime"])


def test_the_limits_are_those_of_the_partition(waiting: Waiting) -> None:
    found = {name: waiting.explained[name]["limits"] for name in WAITING}
    short = {name: [(one["name"], one["limit"], one["requested"]) for one in ones] for name, ones in found.items()}
    assert short.pop("ex_too_long") == [("MaxTime", 120, 180)]
    assert short.pop("ex_too_many") == [("TotalNodes", 4, 5)]
    assert not any(short.values())


@pytest.mark.parametrize("name", [*IN_LONG, "ex_licenses", "ex_maint"])
def test_the_priority_is_that_of_sprio(waiting: Waiting, name: str) -> None:
    [found] = waiting.explained[name]["priority"]["partitions"]
    given = found["factors"]
    ours = [found["priority"], *(given[key] for key in ("age", "fairshare", "partition", "qos"))]
    both_times = [[int(value) for value in seen.factors[str(waiting.ids[name])]] for seen in waiting.printed]
    # The factors change with time.
    assert all(min(both) <= value <= max(both) for value, *both in zip(ours, *both_times, strict=True))
    weights = waiting.explained[name]["priority"]["weights"]
    assert [weights[key] for key in ("age", "fairshare", "partition", "qos", "job_size")] == [1000] * 4 + [0]


def test_the_fair_share_is_that_of_sshare(waiting: Waiting) -> None:
    found = waiting.explained["ex_resources"]["fairshare"]
    assert (found["account"], found["user"]) == ("physics", "alice")
    shares, *others = zip(*(seen.share for seen in waiting.printed), strict=True)
    assert found["raw_shares"] == int(shares[0])
    for value, both in zip((found[key] for key in ("raw_usage", "effective_usage", "fair_share")), others, strict=True):
        assert min(map(float, both)) - 1e-6 <= value <= max(map(float, both)) + 1e-6


def test_the_availability_is_for_its_own_request(waiting: Waiting) -> None:
    found = {name: waiting.explained[name]["availability"][0] for name in WAITING}
    for name, record in found.items():
        assert record["partition"] == waiting.scontrol[name]["Partition"]
        assert record["unchecked"] == (["Licenses"] if name == "ex_licenses" else [])
        assert record["cpus"] * int(waiting.scontrol[name]["NumNodes"].split("-")[0]) == int(
            waiting.scontrol[name]["NumCPUs"].split("-")[0]
        )
    assert {name: found[name]["answer"] for name in AVAILABILITY} == AVAILABILITY
    assert found["ex_licenses"]["nodes"] == "rack001"
    assert [limit["limit"] for limit in found["ex_too_long"]["limits"]] == ["MaxTime"]
    assert [limit["limit"] for limit in found["ex_too_many"]["limits"]] == ["TotalNodes"]
    # rack007 is in use, and planned for the first of them.
    for name in IN_LONG:
        short = {lack: count for lack, count in found[name]["short"].items() if count}
        assert short == {"cpus": 1} | ({} if name == "ex_last" else {"exclusive": 1}), name
    for name, lack in {"ex_reservation": "reserved", "ex_maint": "reserved", "ex_down": "unavailable"}.items():
        assert {lack for lack, count in found[name]["short"].items() if count} == {lack}
