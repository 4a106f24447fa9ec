"""Hostlists to node names and back. Source: hostlist expressions of slurm.conf(5) and scontrol(1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm import hostlist
from slurm_rest_api.slurm.hostlist import MAX_NAMES, count, expand, subtract


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
        ("[1-3]", ["1", "2", "3"]),
        ("n[9-10,1-2]", ["n1", "n2", "n9", "n10"]),
        # The first number of a range has the width of all, as in hostlist.c.
        ("n[008-10]", ["n008", "n009", "n010"]),
        ("n[8-010]", ["n8", "n9", "n10"]),
        ("\u0661,n1", ["n1", "\u0661"]),
        ("", []),
        (None, []),
        ("(null)", []),
    ],
)
def test_hostlists_are_expanded(text: str | None, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    "text",
    [
        *[
            "n[1-",
            "n[3-1]",
            "n[]",
            "n[1-2]]",
            "a,",
            "a!b",
            "a&b",
            "a^b",
            "@all",
            "n[1-9/2]",
            "a b",
            "None assigned",
            "*",
        ],
        # Python's int() reads all of these as numbers, Slurm's strtoul() none.
        *[
            "n[1-1_00_000]",
            "n[1-+100000]",
            "n[+1-2]",
            "n[1- 2]",
            "n[-1]",
            "n[1--2]",
            "n[\u0661-\u0669]",
            "n[\uff11-\uff19]",
            "n[1-\u00b2]",
        ],
        *[
            "n[1-2,]",
            "n[,1]",
            "n[a-b]",
            "n[[1]]",
            "n[1-2",
            "n]1[",
            "a,,b",
            ",",
            f"n{'0' * 250}[10000-10001]",
            f"n[{'9' * 5000}]",
        ],
    ],
)
def test_a_text_that_is_not_a_hostlist_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a hostlist") as caught:
        expand(text)
    assert repr(text[:100]) in str(caught.value)
    assert len(str(caught.value)) < 500


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


_NUMBER = st.integers(0, 10**7).map(str) | st.sampled_from(
    [
        "1_0",
        "1_00_000",
        "+100000",
        "-1",
        " 9",
        "0x10",
        "1e5",
        "\u0669",
        "\uff19",
        "\u00b2",
        "007",
        "99999999999999999999",
    ]
)
_RANGE = st.builds("{}-{}".format, _NUMBER, _NUMBER) | st.builds("{}-{}".format, st.just("1"), _NUMBER) | _NUMBER
_BRACKET = st.lists(_RANGE, max_size=3).map(lambda terms: f"[{','.join(terms)}]")
_HOST = st.lists(_BRACKET | st.sampled_from(["n", "rack", "-ib", "[", "]", "-", "\u0661"]), max_size=4).map("".join)
_HOSTLIST = (
    st.lists(_HOST, max_size=4).map(",".join) | st.text(max_size=40) | st.text("ab[]-,_+ 0123456789", max_size=40)
)


@given(_HOSTLIST)
def test_no_text_expands_to_more_names_than_were_counted(text: str) -> None:
    try:
        counted = count(text)
        names = expand(text, 1000)
    except ValueError:
        return
    assert len(set(names)) == len(names) <= counted <= 1000
    assert all(len(name) <= 255 for name in names)


@pytest.mark.parametrize(
    "text",
    [
        *["n[1-999999999]", "n[0-9999999999999999999999999]", "n[1-65537]", "n[1-1000][1-1000][1-1000]"],
        *[f"n{'[0-9]' * 240}", ",".join(["n[1-1000]"] * 66), ",".join(map(str, range(MAX_NAMES + 1)))],
    ],
    ids=lambda text: text[:30],
)
def test_names_are_counted_before_they_are_built(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(hostlist, "_names", None)
    with pytest.raises(ValueError, match=r"has more than 65,536 node names$") as caught:
        expand(text)
    assert len(str(caught.value)) < 200


def test_a_caller_can_ask_for_fewer_names() -> None:
    assert len(expand("n[1-1000]", 1000)) == 1000
    with pytest.raises(ValueError, match=r"more than 1,000 node names"):
        expand("n[1-1001]", 1000)
