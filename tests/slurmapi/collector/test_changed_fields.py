"""Job records of which only a few fields have changed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.collector.changed_fields import with_priority
from tests.builders import make_job

TEXTS = st.one_of(st.text(), st.sampled_from(['"priority":1', ',"priority":2,', '\\",\\"priority\\":3', "priority"]))


@given(st.integers(1, 2**32 - 3), st.integers(1, 2**32 - 3), TEXTS, st.dictionaries(TEXTS, st.integers(0, 9)))
def test_nothing_but_the_priority_changes(before: int, after: int, text: str, licenses: dict[str, int]) -> None:
    job = make_job(name=text, comment=text, licenses=licenses, priority=before)
    assert with_priority(orjson.dumps(job), after) == orjson.dumps({**job, "priority": after})


@pytest.mark.parametrize("fields", [{"licenses": {"a": 1, "priority": 2}}, {"licenses": {"priority": 2}}])
def test_a_license_may_be_called_priority(fields: dict[str, Any]) -> None:
    job = make_job(**fields, priority=5)
    assert with_priority(orjson.dumps(job), 77) == orjson.dumps({**job, "priority": 77})
