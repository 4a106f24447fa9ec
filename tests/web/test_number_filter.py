"""Numbers and comparisons as a query parameter."""

from __future__ import annotations

import pytest
from pydantic import Field

from slurm_rest_api.errors import BadParameters
from slurm_rest_api.slurmapi.query.parameters import NodesParameters, PartitionsParameters, QueueParameters
from slurm_rest_api.web.number_filter import NumberFilter, NumberFilterParam, TimeLimitParam
from slurm_rest_api.web.operator_params import COMPARED
from slurm_rest_api.web.parameters import Parameters


class Numbers(Parameters):
    """A route with numbers."""

    cpus: NumberFilterParam | None = Field(None, description="CPUs.")
    limit: TimeLimitParam | None = Field(None, description="Time limit.")


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["8"], NumberFilter((8,))),
        (["8,16", "= 8"], NumberFilter((8, 16))),
        ([">=8"], NumberFilter(at_least=8)),
        ([">7", "<16"], NumberFilter(at_least=8, at_most=15)),
        ([">5,>=7", "<=20,<20"], NumberFilter(at_least=7, at_most=19)),
        (["9007199254740991"], NumberFilter((9007199254740991,))),
        (["8", "<5"], NumberFilter((8,), at_most=4)),
    ],
)
def test_numbers_and_comparisons_are_parsed(texts: list[str], numbers: NumberFilter) -> None:
    assert Numbers.model_validate({"cpus": texts}).cpus == numbers


def test_words_of_a_time_limit_are_values() -> None:
    found = Numbers.model_validate({"limit": ["unlimited,60,Partition_limit"]})
    assert found.limit == NumberFilter(("UNLIMITED", 60, "Partition_Limit"))


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        ("cpus", "x", "Expected a whole number, or a comparison such as >=8."),
        ("cpus", "8.5", "Expected a whole number, or a comparison such as >=8."),
        ("cpus", "-1", "Expected a whole number, or a comparison such as >=8."),
        ("cpus", "9007199254740993", "Expected a whole number, or a comparison such as >=8."),
        ("cpus", ">=x", "Expected a whole number after one of < > <= >=."),
        ("cpus", ">=99999999999999999", "Expected a whole number after one of < > <= >=."),
        ("limit", "1:00", "Expected a whole number, UNLIMITED or Partition_Limit, or a comparison such as >=8."),
        ("cpus", ",".join(map(str, range(201))), "Expected at most 200 numbers."),
        ("cpus", ",".join([">1"] * 21), "Expected at most 20 comparisons."),
    ],
)
def test_other_texts_are_refused(name: str, text: str, detail: str) -> None:
    with pytest.raises(BadParameters) as caught:
        Numbers.model_validate({name: text})
    (fault,) = caught.value.faults
    assert fault.parameter == name
    assert fault.detail.endswith(detail)


def test_each_parameter_of_numbers_takes_operators() -> None:
    fields = [field for model in (QueueParameters, NodesParameters, PartitionsParameters) for field in _numbers(model)]
    assert {*fields, "jobid"} == COMPARED


def _numbers(model: type[Parameters]) -> list[str]:
    types = {name: str(field.annotation) for name, field in model.model_fields.items()}
    return [name for name, annotation in types.items() if "NumberFilter" in annotation]
