"""Numbers of pending reasons to squeue's words."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.reasons import reason_name


@pytest.mark.parametrize(
    ("number", "name"),
    [
        # enum job_state_reason of slurm.h, job_state_reason_string() of src/common/slurm_protocol_defs.c.
        (1, "Priority"),
        (2, "Dependency"),
        (3, "Resources"),
        (8, "JobHeldAdmin"),
        (220, "MpiPortsBusy"),
        # WAIT_NO_REASON, and numbers that have no name.
        (0, None),
        (34, None),
        (100000, None),
        (-1, None),
        (None, None),
    ],
)
def test_reasons_have_the_names_of_squeue(number: int | None, name: str | None) -> None:
    assert reason_name(number) == name
