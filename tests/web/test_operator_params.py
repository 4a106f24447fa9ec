"""Comparisons in a query string."""

from __future__ import annotations

import pytest
from flask import Flask
from pydantic import Field

from slurm_rest_api.errors import BadParameters
from slurm_rest_api.web.operator_params import ComparingRequest, Comparison, Comparisons, parse_comparison
from slurm_rest_api.web.parameters import Parameters


class Jobs(Parameters):
    """A route with a compared parameter."""

    jobid: Comparisons = Field(default=(), description="Job ids.")


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
        ("5", Comparison("=", 5)),
        ("=5", Comparison("=", 5)),
        ("<5", Comparison("<", 5)),
        ("<=5", Comparison("<=", 5)),
        (">5", Comparison(">", 5)),
        (" >= 5", Comparison(">=", 5)),
    ],
)
def test_comparisons_are_parsed(text: str, comparison: Comparison) -> None:
    assert parse_comparison(text) == comparison


@pytest.mark.parametrize("text", ["", "<", "<=", "=<5", "5,6", "-5", "<-5", "x", "1e3", "５", "99999999999"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadParameters) as caught:
        Jobs.model_validate({"jobid": [text]})
    (fault,) = caught.value.faults
    assert fault.parameter == "jobid"
    assert fault.detail == (f"Invalid `jobid`: {text!r}. Expected a whole number, alone or after one of = < > <= >=.")


def test_repeated_comparisons_are_kept() -> None:
    assert Jobs.model_validate({"jobid": [">5", "<10"]}).jobid == (Comparison(">", 5), Comparison("<", 10))
