"""Published values that both sources compute from Slurm's texts."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.formats import license_counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        # license_list_to_string() of src/slurmctld/licenses.c writes `;` and `|` since 25.11.
        ("matlab:1;ansys:1", {"matlab": 1, "ansys": 1}),
        ("matlab:2,ansys", {"matlab": 2, "ansys": 1}),
        ("matlab=3", {"matlab": 3}),
        ("matlab:1|ansys:2", {"matlab|ansys": "1|2"}),
        ("matlab@flex:2", {"matlab@flex": 2}),
        ("rack(node[1,3]):4;matlab:1", {"rack(node[1,3])": 4, "matlab": 1}),
        ("matlab:1;matlab:2", {"matlab": 3}),
        ("power:half", {"power": "half"}),
        ("", {}),
        (None, {}),
    ],
)
def test_licenses_are_counts_by_name(text: str | None, counts: dict[str, str | int]) -> None:
    assert license_counts(text) == counts
