"""The computation agrees with a loop over the records, for any small cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.availability.model import Request
from tests.property_tests import examples
from tests.slurmapi.availability.naive import answer
from tests.slurmapi.availability.records import NOW, Record, ask, node, partition, reservation

STATES = (
    *("IDLE", "IDLE", "MIXED", "ALLOCATED", "DOWN*", "IDLE+DRAIN", "MIXED+PLANNED", "IDLE+RESERVED"),
    *("MIXED+COMPLETING", "IDLE+MAINTENANCE", "FUTURE", "IDLE+POWERED_DOWN", "MIXED+FAIL"),
)
GRES: tuple[list[str], ...] = ([], ["gpu:a100:4"], ["gpu:a100:2", "gpu:v100:2"], ["gpu:2"])
TIMES = ("UNLIMITED", 3600, 7200)


@st.composite
def nodes(draw: st.DrawFn) -> list[Record]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        gres = draw(st.sampled_from(GRES))
        first = gres[0].rpartition(":")[0] if gres else ""
        used = draw(st.integers(0, 2))
        found.append(
            node(
                f"n{number}",
                state=draw(st.sampled_from(STATES)),
                effective_cpus=draw(st.sampled_from([14, 16])),
                alloc_cpus=draw(st.sampled_from([0, 0, 6, 14])),
                alloc_mem=draw(st.sampled_from([0, 0, 32_000])),
                mem_spec_limit=draw(st.sampled_from([0, 2000])),
                owner=draw(st.sampled_from([None, None, None, 1001])),
                gres=gres,
                gres_used=[f"{first}:{used}"] if used and first else [],
                partitions=draw(st.sampled_from([["main"], ["main", "long"], ["long"]])),
            )
        )
    return found


@st.composite
def partitions(draw: st.DrawFn) -> list[Record]:
    return [
        partition(
            name,
            state=draw(st.sampled_from(["UP", "UP", "UP", "DOWN", "DRAIN", "INACTIVE"])),
            max_time=draw(st.sampled_from(TIMES)),
            default_time=draw(st.sampled_from(["NONE", 1800, *TIMES])),
            max_nodes=draw(st.sampled_from(["UNLIMITED", 1, 2])),
            def_mem_per_cpu=draw(st.sampled_from([None, 1000, 4000])),
            flags={"RootOnly": 0, "Shared": draw(st.sampled_from(["NO", "NO", "EXCLUSIVE"]))},
        )
        for name in ("main", "long")
    ]


@st.composite
def reservations(draw: st.DrawFn) -> list[Record]:
    found = []
    for number in range(draw(st.integers(0, 3))):
        start = draw(st.sampled_from([-7200, 0, 1800, 3600, 5000]))
        names = draw(st.sets(st.sampled_from(["n0", "n1", "n2"]), min_size=1))
        parts = {name: "0-2" for name in sorted(names) if draw(st.booleans())}
        end = start + draw(st.sampled_from([1800, 7200]))
        found.append(reservation(",".join(sorted(names)), start, end, name=f"r{number}", core_ids=parts))
    return found


requests = st.builds(
    Request,
    cpus=st.sampled_from([None, 1, 8, 10, 16, 20]),
    memory_mib=st.sampled_from([None, 1, 32_000, 63_000, 64_000]),
    gpus=st.sampled_from([0, 1, 2, 4]),
    gpu_type=st.sampled_from([None, "a100", "v100"]),
    nodes=st.sampled_from([1, 2, 3]),
    seconds=st.sampled_from([None, 60, 3600, 7200, float("inf")]),
)


@examples(300)
@given(requests, nodes(), partitions(), reservations())
def test_it_agrees_with_a_loop_over_the_records(
    request: Request, nodes: list[Record], partitions: list[Record], reservations: list[Record]
) -> None:
    found: dict[str, Any] = ask(request, nodes, partitions, reservations)
    for entry in partitions:
        record = found[entry["name"]]
        expected = answer(entry, request, nodes, reservations, NOW)
        assert (record["answer"], set(expand(record["nodes"])), record["fitting_nodes"]) == expected
        assert record["free_nodes"] == len(expected[1])
        assert record["missing_nodes"] == max(request.nodes - len(expected[1]), 0)
        assert (record["answer"] == "never") == bool(record["limits"])
        # Each node that is large enough is free, or lacks something.
        assert record["free_nodes"] + sum(record["short"].values()) >= record["fitting_nodes"]


@examples(40)
@given(requests, nodes(), partitions(), reservations(), st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
def test_nodes_that_the_job_may_not_use_do_not_exist(
    request: Request,
    nodes: list[Record],
    partitions: list[Record],
    reservations: list[Record],
    only: set[int],
    never: set[int],
) -> None:
    asked = replace(
        request, only=frozenset(f"n{n}" for n in only) if only else None, never=frozenset(f"n{n}" for n in never)
    )
    usable = [
        node for node in nodes if (asked.only is None or node["name"] in asked.only) and node["name"] not in asked.never
    ]
    assert ask(asked, nodes, partitions, reservations) == ask(request, usable, partitions, reservations)
