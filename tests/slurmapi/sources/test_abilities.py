"""The parts that a pyslurm can give, asked of modules as the release lines have them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.slurmapi.sources.pyslurm.abilities import part_faults
from tests.slurmapi.sources import fake_pyslurm

LIVE = ("jobs", "nodes", "partitions", "statistics")


def module(version: str = "26.5.0+pyslurm25.11.2", slurm: tuple[int, int, int] = (26, 5, 5)) -> Any:
    found = fake_pyslurm.make_pyslurm()
    found.__version__ = version
    found.slurm_api_version = lambda: slurm
    return found


def without(kind: type, *names: str) -> Any:
    """Returns a class with the attributes of `kind` but `names`."""
    attributes = {name: None for name in vars(kind) if not name.startswith("__") and name not in names}
    return type(kind.__name__, (), attributes)


def live_faults(pyslurm: Any) -> dict[str, str]:
    return {part: reason for part, reason in part_faults(pyslurm).items() if part in LIVE}


def test_the_adjusted_release_gives_all_parts_of_a_snapshot() -> None:
    assert live_faults(module()) == {}


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ({}, "lacks Reservations"),
        # As in the branches from 23.2.x to 25.11.x.
        (
            {"Reservations": object, "ReservationFlags": SimpleNamespace(MAINTENANCE=1)},
            "has no names for flags of reservations such as REPLACE",
        ),
        (
            {"Reservations": object, "ReservationFlags": SimpleNamespace(REPLACE=1)},
            "lacks the QOS and partitions of reservations",
        ),
    ],
)
def test_no_release_gives_reservations_and_licenses_as_a_whole(classes: dict[str, Any], reason: str) -> None:
    found = module()
    vars(found).update(classes)
    assert part_faults(found) == {
        "reservations": f"pyslurm 25.11.2 {reason}",
        "licenses": "pyslurm 25.11.2 lacks the number of reserved licenses",
    }


def test_a_release_that_build_sh_has_not_adjusted_gives_statistics() -> None:
    plain = module("25.11.2", (25, 11, 7))
    plain.Job = without(fake_pyslurm.Job, "raw_tres_req_str")
    plain.Node = without(fake_pyslurm.Node, "raw_gres")
    plain.Partition = without(fake_pyslurm.Partition, "raw_tres_fmt_str")
    reason = "pyslurm 25.11.2 lacks the adjustments of build.sh"
    assert live_faults(plain) == {"jobs": reason, "nodes": reason, "partitions": reason}


@pytest.mark.parametrize(
    ("kind", "attribute", "part"),
    [
        ("Job", "submit_session_id", "jobs"),
        ("Job", "get_resource_layout_per_node", "jobs"),
        ("Node", "effective_cpus", "nodes"),
        ("Partition", "power_down_on_idle", "partitions"),
    ],
)
def test_a_missing_attribute_is_a_fault_of_its_part(kind: str, attribute: str, part: str) -> None:
    half = module("24.11.0+adjusted", (24, 11, 5))
    setattr(half, kind, without(getattr(fake_pyslurm, kind), attribute))
    assert live_faults(half) == {part: f"pyslurm 24.11.0 lacks {kind}.{attribute}"}


@pytest.mark.parametrize(("slurm", "is_complete"), [((24, 11, 5), True), ((25, 5, 0), False), ((25, 11, 7), False)])
def test_what_this_slurm_does_not_have_is_not_missed(slurm: tuple[int, int, int], is_complete: bool) -> None:
    # `licenses_allocated` and `segment_size` came to slurm_job_info_t with 25.05.
    old = module("24.11.0+adjusted", slurm)
    old.Job = without(fake_pyslurm.Job, "raw_licenses_allocated", "segment_size", "spread_segments")
    assert ("jobs" not in part_faults(old)) == is_complete


def test_the_line_of_a_library_without_a_version_is_that_of_pyslurm() -> None:
    old = module("24.11.0+adjusted")
    del old.slurm_api_version
    old.Job = without(fake_pyslurm.Job, "segment_size")
    assert live_faults(old) == {}


@pytest.mark.parametrize(("version", "line"), [("22.5.3", (22, 5, 8)), ("21.8.1", (21, 8, 8))])
def test_nodes_of_lines_that_say_allocated_for_mixed(version: str, line: tuple[int, int, int]) -> None:
    assert live_faults(module(version, line)) == {"nodes": f"pyslurm {version} says ALLOCATED for MIXED"}
    assert "nodes" not in part_faults(module("23.2.3", (23, 2, 7)))


def test_nodes_of_21_08_lack_their_effective_cpus() -> None:
    # node_info_t has cpus_efctv since 22.05, and idle CPUs are computed from it.
    old = module("21.8.1+adjusted", (21, 8, 8))
    old.Node = without(fake_pyslurm.Node, "effective_cpus")
    assert live_faults(old) == {"nodes": "pyslurm 21.8.1 lacks Node.effective_cpus"}


def test_build_sh_corrects_the_state_of_nodes() -> None:
    assert live_faults(module("22.5.3+adjusted", (22, 5, 8))) == {}


@pytest.mark.parametrize(("exit_code", "is_right"), [((9, 0), False), ((137, 0), True)])
def test_exit_codes_are_asked_for(exit_code: tuple[int, int], is_right: bool) -> None:
    found = module()
    # A command that was killed: 128 + 9, in the upper byte of the status of wait(2).
    answers = {137 << 8: exit_code}
    found.utils = SimpleNamespace(helpers=SimpleNamespace(_get_exit_code=answers.__getitem__))
    expected = {} if is_right else {"jobs": "pyslurm 25.11.2 subtracts 128 from exit codes"}
    assert live_faults(found) == expected


def test_classic_statistics_replace_the_class() -> None:
    old = fake_pyslurm.with_classic_statistics(module("22.5.3", (22, 5, 8)), fake_pyslurm.CLASSIC_STATISTICS)
    assert "statistics" not in part_faults(old)


def test_a_pyslurm_without_statistics() -> None:
    half = module()
    del half.slurmctld
    assert live_faults(half) == {"statistics": "pyslurm 25.11.2 lacks slurmctld.Statistics"}


def test_a_pyslurm_of_classic_dictionaries_alone() -> None:
    classic = SimpleNamespace(__version__="20.11.8", statistics=object, job=object, node=object, partition=object)
    assert live_faults(classic) == {
        "jobs": "pyslurm 20.11.8 lacks Jobs",
        "nodes": "pyslurm 20.11.8 lacks Nodes",
        "partitions": "pyslurm 20.11.8 lacks Partitions",
    }


def test_a_pyslurm_of_unknown_version_is_judged_by_what_it_has() -> None:
    odd = module()
    del odd.__version__
    assert live_faults(odd) == {}
