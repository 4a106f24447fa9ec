"""Comparisons in a query string."""

from __future__ import annotations

import pytest
from flask import Flask

from slurm_rest_api.web.operator_params import ComparingRequest, Comparison, QueryArguments, parse_comparison


def asked(query: str) -> list[tuple[str, str]]:
    app = Flask(__name__)
    app.request_class = ComparingRequest
    with app.test_request_context(f"/?{query}") as context:
        return list(context.request.args.items(multi=True))


@pytest.mark.parametrize(
    ("query", "args"),
    [
        ("jobid=5", [("jobid", "5")]),
        ("jobid<5", [("jobid", "<5")]),
        ("jobid<=987654", [("jobid", "<=987654")]),
        ("jobid>5&jobid<10", [("jobid", ">5"), ("jobid", "<10")]),
        ("jobid%3E%3D5&jobid%3C10", [("jobid", ">=5"), ("jobid", "<10")]),
        ("jobid=%3C%3D5", [("jobid", "<=5")]),
        ("jobid>5&jobid>7", [("jobid", ">5"), ("jobid", ">7")]),
        ("jobid<=", [("jobid", "<=")]),
        ("user<=x", [("user<", "x")]),
        ("name=jobid<5", [("name", "jobid<5")]),
    ],
)
def test_operators_move_from_names_to_values(query: str, args: list[tuple[str, str]]) -> None:
    assert asked(query) == args


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("<5", Comparison("<", 5)),
        ("<=5", Comparison("<=", 5)),
        (">5", Comparison(">", 5)),
        (" >= 5", Comparison(">=", 5)),
    ],
)
def test_comparisons_are_parsed(text: str, comparison: Comparison) -> None:
    assert parse_comparison(text) == comparison


@pytest.mark.parametrize("text", ["", "<", "<=", "=<5", "5", "<-5", "x", "<1e3", "<５", "<99999999999"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a whole number after one of < > <= >="):
        parse_comparison(text)


def test_arguments_with_different_values_are_lists() -> None:
    arguments = QueryArguments([("limit", ""), ("limit", "5"), ("limit", "5"), ("sort", "a"), ("sort", "b")])
    assert arguments.get("limit") == "5"
    assert arguments.get("sort") == ["a", "b"]
    assert (arguments.get("none"), arguments.get("none", "x")) == (None, "x")
