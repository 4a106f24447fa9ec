"""The comparison with documented answers finds missing fields and other types."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fresh.shapes import differences


@pytest.mark.parametrize(
    ("documented", "answer", "found"),
    [
        ({"a": 1}, {"a": 2.5, "b": "more"}, []),
        ({"a": 1}, {"b": 1}, ["data.a: not in the answer"]),
        ({"a": 1}, {"a": "1"}, ["data.a: text, documented as number"]),
        ({"a": True}, {"a": 1}, ["data.a: number, documented as boolean"]),
        ({"a": None}, {"a": "any"}, []),
        ({"a": "any"}, {"a": None}, []),
        ([{"a": 1}], [{"a": None}, {"a": "x"}], ["data[].a: text, documented as number"]),
        ({"nodes": {"n1": {"cpus": 1}}}, {"nodes": {"n7": {"cpus": 64}}}, []),
        ({"nodes": {"n1": {"cpus": 1}}}, {"nodes": {"n7": {"cores": 64}}}, ["data.nodes.*.cpus: not in the answer"]),
    ],
)
def test_differences(documented: Any, answer: Any, found: list[str]) -> None:
    assert differences(documented, [answer], "data") == found
