"""Hostlists to node names and back. Source: hostlist expressions of slurm.conf(5) and scontrol(1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm.hostlist import expand, expand_at_most, subtract


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rack[001-003]", ["rack001", "rack002", "rack003"]),
        ("rack[007,009-010]", ["rack007", "rack009", "rack010"]),
        ("r[1-2]n[01-02]", ["r1n01", "r1n02", "r2n01", "r2n02"]),
        ("login1,rack[1-2]", ["login1", "rack1", "rack2"]),
        ("n[1-2]-ib0", ["n1-ib0", "n2-ib0"]),
        ("rack10,rack2,rack2", ["rack2", "rack10"]),
        ("node", ["node"]),
        ("", []),
        (None, []),
        ("(null)", []),
    ],
)
def test_hostlists_are_expanded(text: str | None, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    "text",
    ["n[1-", "n[3-1]", "n[]", "n[1-2]]", "a,", "a!b", "a&b", "a^b", "@all", "n[1-9/2]", "a b", "None assigned", "*"],
)
def test_a_text_that_is_not_a_hostlist_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a hostlist") as caught:
        expand(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "names", "rest"),
    [
        ("rack[001-008]", ["rack002", "rack003"], "rack[001,004-008]"),
        ("rack[001-002]", ["rack001", "rack002"], ""),
        ("b,a", ["c"], "b,a"),
        ("rack[01-02]", ["rack1"], "rack[01-02]"),
        ("", ["a"], ""),
    ],
)
def test_names_are_removed_from_a_hostlist(text: str, names: list[str], rest: str) -> None:
    assert subtract(text, names) == rest


_NUMBERS = st.sets(st.integers(min_value=0, max_value=99), min_size=1)


@given(_NUMBERS, _NUMBERS)
def test_only_the_given_names_are_removed(listed: set[int], removed: set[int]) -> None:
    text = ",".join(f"n{number:03}" for number in listed)

    rest = subtract(text, {f"n{number:03}" for number in removed})

    assert set(expand(rest)) == {f"n{number:03}" for number in listed - removed}


@given(st.text(max_size=40) | st.text("ab[]-,0123456789", max_size=40))
def test_any_text_of_a_client_is_names_or_a_value_error(text: str) -> None:
    try:
        names = expand_at_most(text, 1000)
    except ValueError:
        return
    assert len(set(names)) == len(names) <= 1000


def test_a_hostlist_with_too_many_names_is_an_error() -> None:
    assert len(expand_at_most("n[1-1000]", 1000)) == 1000
    with pytest.raises(ValueError, match=r"more than 1,000 node names"):
        expand_at_most("n[1-999999999]", 1000)
