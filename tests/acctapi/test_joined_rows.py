"""Rows that are read as one text of numbers and one of all texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, create_engine, insert, select

from slurm_rest_api.acctapi.joined_rows import JoinedRows
from slurm_rest_api.acctapi.tables import StoredText
from tests.property_tests import examples

_TEXTS = ("before", "middle", "after")
_STORED = Table(
    "records", MetaData(), Column("number", BigInteger), *(Column(name, LargeBinary) for name in _TEXTS),
    Column("other", BigInteger),
)  # fmt: skip
_READ = Table(
    "records", MetaData(), Column("number", BigInteger), *(Column(name, StoredText) for name in _TEXTS),
    Column("other", BigInteger),
)  # fmt: skip
_NUMBERS = st.one_of(st.none(), st.integers(-(2**31), 2**63 - 1))
_BYTES = st.one_of(
    st.none(), st.binary(max_size=8), st.sampled_from([b"0,1", "\u00fc\u20ac".encode(), b"\x00", b"\xff,"])
)


@examples(100)
@given(st.lists(st.fixed_dictionaries({"number": _NUMBERS, "other": _NUMBERS, **dict.fromkeys(_TEXTS, _BYTES)})))
def test_a_row_is_as_if_each_column_was_read_alone(rows: list[dict[str, int | bytes | None]]) -> None:
    engine = create_engine("sqlite://")
    joined = JoinedRows(_READ.c)
    with engine.begin() as connection:
        _STORED.create(connection)
        if rows:
            connection.execute(insert(_STORED), rows)
        found = [joined.row(numbers, texts) for numbers, texts in connection.execute(select(*joined.columns))]
    assert found == [
        {name: value.decode(errors="replace") if isinstance(value, bytes) else value for name, value in row.items()}
        for row in rows
    ]
