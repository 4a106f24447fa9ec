"""Job ids and comparisons as a query parameter."""

from __future__ import annotations

import pytest
from pydantic import Field

from slurm_rest_api.errors import BadParameters
from slurm_rest_api.web.job_ids import JobId, JobIdFilter, JobIdFilterParam
from slurm_rest_api.web.operator_params import Comparison
from slurm_rest_api.web.parameters import Parameters


class Jobs(Parameters):
    """A route with job ids."""

    jobid: JobIdFilterParam | None = Field(None, description="Job ids.")


def fault(texts: list[str]) -> str:
    with pytest.raises(BadParameters) as caught:
        Jobs.model_validate({"jobid": texts})
    (found,) = caught.value.faults
    assert found.parameter == "jobid"
    return found.detail


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (["5"], [JobId(5)]),
        (["5", "7"], [JobId(5), JobId(7)]),
        (["5,7", "5, 9"], [JobId(5), JobId(7), JobId(9)]),
        (["12_3"], [JobId(12, task=3)]),
        (["12+1"], [JobId(12, component=1)]),
        # A plus sign that was not percent-encoded.
        (["12 1"], [JobId(12, component=1)]),
        (["", "=5", "= 7"], [JobId(5), JobId(7)]),
    ],
)
def test_ids_are_any_of_these(texts: list[str], ids: list[JobId]) -> None:
    assert Jobs.model_validate({"jobid": texts}).jobid == JobIdFilter(tuple(ids))


def test_comparisons_are_kept_apart_from_ids() -> None:
    found = Jobs.model_validate({"jobid": [">5", "<=10,7"]}).jobid
    assert found == JobIdFilter((JobId(7),), (Comparison(">", 5), Comparison("<=", 10)))


def test_ids_are_sorted_by_kind() -> None:
    found = Jobs.model_validate({"jobid": "9,12_7,12_3,8+1,8+0,5"}).jobid
    assert found is not None
    assert (found.jobs(), found.tasks(), found.components()) == ([5, 9], [(12, 3), (12, 7)], [(8, 0), (8, 1)])


@pytest.mark.parametrize("text", ["x", "5_", "_3", "5_3_1", "5+", "-5", "1e3", "５", "99999999999", "5.0", "12_[3-4]"])
def test_other_texts_are_refused(text: str) -> None:
    assert fault([text]) == (
        f"Invalid `jobid`: {text!r}. Expected a job id such as 123, 12_3 (array task) or 12+1 (component of a"
        " heterogeneous job), or a comparison such as <=123."
    )


def test_empty_parameter_is_no_filter() -> None:
    assert Jobs.model_validate({"jobid": [""]}).jobid is None
    assert Jobs.model_validate({"jobid": ""}).jobid is None


def test_more_than_a_thousand_ids_are_refused_with_the_limit() -> None:
    thousand = ",".join(map(str, range(1, 1001)))
    found = Jobs.model_validate({"jobid": thousand}).jobid
    assert found is not None
    assert len(found.ids) == 1000
    detail = fault([thousand, "1001"])
    assert detail.startswith("Invalid `jobid`: ")
    assert detail.endswith(" Expected at most 1000 job ids in one request, got 1001.")
    assert len(detail) < 400


def test_more_than_twenty_comparisons_are_refused() -> None:
    assert fault([f"<{number}" for number in range(21)]).endswith("Expected at most 20 comparisons, got 21.")
