"""CSV and NDJSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.web.text_formats import csv_table, ndjson

CELLS = st.one_of(st.none(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"])))


def parsed(records: Sequence[Any], fields: Sequence[str]) -> list[list[str]]:
    text = b"".join(csv_table(records, fields)).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_table_has_a_header_and_one_line_per_record() -> None:
    records = [{"id": 1, "name": 'say "hi", you', "tres": {"cpu": 4}, "end": None}, {"id": 2}]
    assert parsed(records, ["name", "id", "tres", "end"]) == [
        ["name", "id", "tres", "end"],
        ['say "hi", you', "1", '{"cpu":4}', ""],
        ["", "2", "", ""],
    ]


def test_a_table_without_records_has_only_the_header() -> None:
    assert parsed([], ["id"]) == [["id"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert parsed([{"name": text}], ["name"])[1] == [f"'{text}"]


def test_a_negative_number_stays_a_number() -> None:
    assert parsed([{"offset": -5}], ["offset"])[1] == ["-5"]


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), max_size=450))
def test_every_record_survives_a_round_trip(records: list[dict[str, Any]]) -> None:
    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f"'{value}" if value[:1] in "=+-@\t\r\n＝＋－＠" and value else value
        return "" if value is None else str(value)

    assert parsed(records, ["a", "b"])[1:] == [[cell(record["a"]), cell(record["b"])] for record in records]
    lines = b"".join(ndjson(records)).split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == records
    assert lines[-1] == b""
