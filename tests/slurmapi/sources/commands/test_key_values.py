"""The splitter of one-line records: order of keys, unknown keys, texts that look like keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.commands.key_values import (
    Key,
    Reading,
    RecordGrammar,
    seconds_of,
    whole_number,
)

GRAMMAR = RecordGrammar(
    (
        *(Key("Id"), Key("Name", is_text=True, then=("User",)), Key("User"), Key("State", ends=True)),
        *(Key("Comment", is_text=True, ends=True), Key("Extra", is_text=True, ends=True)),
    ),
    first="Id",
)


def test_values_end_at_the_next_key() -> None:
    reading = GRAMMAR.read("Id=1 Name=a b=c User=  State=UP Comment=x  y ")
    assert reading.values == {"Id": "1", "Name": "a b=c", "User": "", "State": "UP", "Comment": "x  y "}
    assert not reading.doubtful


def test_absent_keys() -> None:
    reading = GRAMMAR.read("Id=1 User=(null) State=N/A")
    assert (reading.get("Name"), reading.get("User"), reading.get("State")) == (None, None, "N/A")
    assert (reading.word("State"), reading.number("Id"), reading.get("Name", "Id")) == (None, 1, "1")


def test_unknown_keys_are_skipped() -> None:
    assert GRAMMAR.read("Id=1 New=2 Newer= User=a State=UP Last=3").values == {"Id": "1", "User": "a", "State": "UP"}


def test_a_key_in_a_text_is_no_key_if_the_order_forbids_it() -> None:
    text = "x State=DOWN Id=7 Name=y"
    assert GRAMMAR.read(f"Id=1 Name={text} User=alice State=UP").values["Name"] == text
    # Here `Name` may end at either `User`.
    reading = GRAMMAR.read("Id=1 Name=x User=root State=UP Comment= User=alice State=UP")
    assert reading.values == {"Id": "1", "State": "UP"}
    assert reading.doubtful == {"Name", "User", "Comment"}


def test_a_key_that_can_be_in_a_text_is_doubtful() -> None:
    reading = GRAMMAR.read("Id=1 User=a State=UP Comment=x Extra=y")
    assert reading.values == {"Id": "1", "User": "a", "State": "UP"}
    assert reading.doubtful == {"Comment", "Extra"}


def test_a_text_of_a_thousand_keys_is_doubtful() -> None:
    reading = GRAMMAR.read("Id=1 User=a State=UP Comment=" + "x Extra=y" * 1000)
    assert reading.values == {"Id": "1", "User": "a", "State": "UP"}
    assert reading.doubtful >= {"Comment", "Extra"}


@pytest.mark.parametrize("text", ["", "Id", "x Id=1 User=a State=UP", "User=a State=UP", "Id=1 User=a b State=UP"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected the keys"):
        GRAMMAR.read(text)


@given(
    name=st.text(alphabet="a= \n") | st.sampled_from(["x User=root State=UP", " User=", "State=DOWN"]),
    comment=st.text(alphabet="a= \n") | st.sampled_from([" State=DOWN", "x User=root State=UP"]),
)
def test_every_value_is_the_one_that_was_written_or_doubtful(name: str, comment: str) -> None:
    reading = GRAMMAR.read(f"Id=1 Name={name} User=alice State=UP Comment={comment}")
    written = {"Id": "1", "Name": name, "User": "alice", "State": "UP", "Comment": comment}
    assert reading.values.items() <= written.items()
    assert reading.values.keys() | reading.doubtful >= written.keys()


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9007199254740991", 2**53 - 1), ("9007199254740992", None), ("18446744073709551615", None)]
    + [(text, None) for text in ("", "N/A", "n/s", "-1", "1.0", "1K", "²", "٣", " 1")],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:00:00", 3600), ("1-00:00:00", 86400), ("365-01:02:03", 31539723), ("00:00:30", 30)]
    + [(text, None) for text in ("UNLIMITED", "NONE", "", "1:00", "INVALID")],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


def test_a_reading_without_values() -> None:
    assert (Reading().get("x"), Reading().word("x"), Reading().number("x")) == (None, None, None)
