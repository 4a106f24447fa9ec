"""The list of parts and where each of them comes from."""

from __future__ import annotations

import json

from slurm_rest_api.slurmapi.sources.parts import (
    PARTS,
    PartOrigin,
    all_from,
    origins_as_json,
    origins_from_json,
    origins_text,
    parts_from,
)

MIXED = (
    PartOrigin("jobs", "pyslurm"),
    PartOrigin("nodes", "commands", "pyslurm 22.5.4 says ALLOCATED for MIXED"),
    PartOrigin("partitions", "pyslurm"),
    PartOrigin("licenses", "none", "no program scontrol"),
)


def test_parts_of_one_origin_have_all_names() -> None:
    origins = all_from("commands", "pyslurm is not installed")
    assert [row.part for row in origins] == [
        "jobs",
        "nodes",
        "partitions",
        "statistics",
        "reservations",
        "licenses",
    ]
    assert {(row.origin, row.why) for row in origins} == {("commands", "pyslurm is not installed")}
    assert parts_from(origins, "commands") == PARTS


def test_origins_survive_json() -> None:
    rows = json.loads(json.dumps(origins_as_json(MIXED)))
    assert rows[1] == {"part": "nodes", "from": "commands", "why": "pyslurm 22.5.4 says ALLOCATED for MIXED"}
    assert origins_from_json(rows) == MIXED


def test_text_groups_parts_of_the_same_origin() -> None:
    assert origins_text(MIXED) == (
        "jobs, partitions from pyslurm; nodes from commands, because pyslurm 22.5.4 says ALLOCATED for MIXED;"
        " licenses not read, because no program scontrol"
    )
    assert origins_text(all_from("pyslurm", parts=("jobs", "nodes"))) == "jobs, nodes from pyslurm"
