"""States of job records by number and by name. Source: slurm.h, sacct(1)."""

from __future__ import annotations

import pytest

from slurm_rest_api.acctapi.states import enum_name, long_name, parse_states


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["0"], {0}),
        (["JOB_COMPLETE", "COMPLETED", "cd", "complete", "job_completed", "3"], {3}),
        (["R", "PD", "s"], {0, 1, 2}),
        (["cancelled", "CANCELED", "CA"], {4}),
        (["JOB_OOM", "OUT_OF_MEMORY", "oom"], {11}),
        (["requeued", "RESIZING", "RV"], {1024, 8192, 524288}),
    ],
)
def test_states_are_parsed_in_every_spelling(names: list[str], numbers: set[int]) -> None:
    assert parse_states(names) == numbers


@pytest.mark.parametrize("name", ["", "12", "1025", "-1", "RUNNNING", "٣", "9" * 30])
def test_an_unknown_state_is_an_error_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no state .* PENDING \(0, PD\), RUNNING \(1, R\)"):
        parse_states([name])


def test_unknown_state_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="Did you mean `RUNNING`"):
        parse_states(["RUNNNING"])


def test_numbers_have_the_names_of_slurm_h_and_sacct() -> None:
    assert [enum_name(number) for number in (3, 11, 1024, 77)] == [
        "JOB_COMPLETE",
        "JOB_OOM",
        "JOB_REQUEUE",
        "JOB_STATE_77",
    ]
    assert [long_name(number) for number in (3, 11, 1024, 77)] == ["COMPLETED", "OUT_OF_MEMORY", "REQUEUED", "STATE_77"]
