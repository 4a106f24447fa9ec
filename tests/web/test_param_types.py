"""Node lists as query parameters."""

from __future__ import annotations

import pytest

from slurm_rest_api.web.param_types import parse_nodes


@pytest.mark.parametrize(
    ("text", "names"),
    [("rack1", ("rack1",)), ("rack[001-003]", ("rack001", "rack002", "rack003")), ("a,b", ("a", "b"))],
)
def test_hostlists_are_expanded(text: str, names: tuple[str, ...]) -> None:
    assert parse_nodes([text], 3) == names


@pytest.mark.parametrize("text", ["", "rack[001-004]", "rack["])
def test_texts_without_names_or_with_too_many_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_nodes([text], 3)


def test_repeated_hostlists_are_joined() -> None:
    assert parse_nodes(["rack[001-002]", "a", "rack001"], 4) == ("rack001", "rack002", "a")
    with pytest.raises(ValueError, match="more than 1 node names"):
        parse_nodes(["rack[001-002]", "b[1-2]"], 3)
