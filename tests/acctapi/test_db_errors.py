"""Messages of database errors: one for each kind, without host, account or password."""

from __future__ import annotations

import pymysql
import pytest
from sqlalchemy import exc

from slurm_rest_api.acctapi.db_errors import is_unreachable, refusal, to_api_error
from slurm_rest_api.errors import DatabaseBusy, DatabaseUnavailable, DatabaseUnusable, QueryTooSlow


def failed(code: int, text: str = "'reader'@'db.example' hunter2") -> exc.DBAPIError:
    return exc.OperationalError("SELECT 1", {}, pymysql.OperationalError(code, text))


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1045, DatabaseUnusable, "refuses the service's account"),
        (1698, DatabaseUnusable, "refuses the service's account"),
        (1130, DatabaseUnusable, "refuses the service's account"),
        (1044, DatabaseUnusable, "may not read"),
        (1142, DatabaseUnusable, "may not read"),
        (1143, DatabaseUnusable, "may not read"),
        (1049, DatabaseUnusable, "lacks a table or column"),
        (1146, DatabaseUnusable, "lacks a table or column"),
        (1040, DatabaseUnavailable, "no more connections"),
        (1203, DatabaseUnavailable, "no more connections"),
        (1226, DatabaseUnavailable, "no more connections"),
        (1205, DatabaseUnavailable, "locked"),
        # ER_DISK_FULL and ER_LOCK_DEADLOCK, two of the many without a message of their own.
        (1021, DatabaseUnavailable, "reports error 1021."),
        (1213, DatabaseUnavailable, "reports error 1213."),
        (2003, DatabaseUnavailable, "cannot be reached"),
        (2006, DatabaseUnavailable, "cannot be reached"),
        (2013, DatabaseUnavailable, "cannot be reached"),
        (1969, QueryTooSlow, "submitafter=now-30days"),
        (3024, QueryTooSlow, "submitafter=now-30days"),
    ],
)
def test_each_error_number_has_a_message(code: int, kind: type[Exception], words: str) -> None:
    answer = to_api_error(failed(code))
    assert type(answer) is kind
    assert words in answer.detail
    assert answer.retry_after == 10
    for secret in ("reader", "db.example", "hunter2"):
        assert secret not in answer.detail


def test_silent_server_is_unavailable() -> None:
    # The server's time limit would have ended the statement earlier.
    answer = to_api_error(failed(2013, "Lost connection to MySQL server during query (timed out)"))
    assert isinstance(answer, DatabaseUnavailable)


@pytest.mark.parametrize("code", [2002, 2003, 2006, 2013])
def test_only_a_server_that_does_not_answer_is_unreachable(code: int) -> None:
    assert is_unreachable(failed(code))
    assert not is_unreachable(failed(1045))
    assert not is_unreachable(failed(1969))
    assert not is_unreachable(exc.ArgumentError("wrong"))


def test_a_refusal_says_when_to_retry() -> None:
    busy, away = refusal("busy", 1), refusal("open", 5)
    assert isinstance(busy, DatabaseBusy)
    assert (busy.status, busy.retry_after) == (503, 1)
    assert "`database.db_pool_size`" in busy.detail
    assert isinstance(away, DatabaseUnavailable)
    assert (away.status, away.retry_after) == (503, 5)
    assert away.detail == (
        "The accounting database does not answer. The service tries to reach it every few seconds. Retry later."
    )
