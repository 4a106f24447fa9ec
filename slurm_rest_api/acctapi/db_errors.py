"""What went wrong with the accounting database, by its error number. Pure.

The sentences are for clients: they hold neither the account nor the host, which the log has.
"""

from __future__ import annotations

from typing import Final

from pymysql.constants import ER
from sqlalchemy import exc

from slurm_rest_api.acctapi.pool_observer import ErrorKind
from slurm_rest_api.errors import ApiError, DatabaseUnavailable, DatabaseUnusable, QueryTooSlow

RETRY_SECONDS: Final = 10

# Server error codes that PyMySQL has no names for.
_STATEMENT_TIMEOUT_MARIADB: Final = 1969
_STATEMENT_TIMEOUT_MYSQL: Final = 3024
_SOCKET_LOGIN_ONLY: Final = 1698
_TOO_MANY_OF_USER: Final = 1226

SCHEMA_CHANGED: Final = frozenset((ER.BAD_FIELD_ERROR, ER.NO_SUCH_TABLE))
"""A column or a table is gone: slurmdbd was upgraded since the tables were looked at."""

_LOGIN: Final = frozenset((ER.ACCESS_DENIED_ERROR, _SOCKET_LOGIN_ONLY, ER.HOST_NOT_PRIVILEGED, ER.HOST_IS_BLOCKED))
_RIGHTS: Final = frozenset((ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR))
_MISSING: Final = frozenset((ER.BAD_DB_ERROR, ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR))
_FULL: Final = frozenset((ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, _TOO_MANY_OF_USER))
_SLOW: Final = frozenset((_STATEMENT_TIMEOUT_MARIADB, _STATEMENT_TIMEOUT_MYSQL, ER.QUERY_INTERRUPTED))
_LOCKED: Final = frozenset((ER.LOCK_WAIT_TIMEOUT,))

_TIMEOUT_MESSAGE: Final = (
    "The accounting database did not finish this query in time. Narrow it to a time window, such as"
    " submitafter=now-30days, or to a user, an account, a QOS or job ids."
)


def error_code(error: exc.DBAPIError) -> int:
    """The number of a server's or client's error; 0 when it has none."""
    args = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], int) else 0


def to_api_error(error: exc.SQLAlchemyError) -> ApiError:
    """The error answer for an error of the database."""
    if isinstance(error, exc.TimeoutError):
        return _unavailable("All connections to the accounting database are in use.")
    code = error_code(error) if isinstance(error, exc.DBAPIError) else 0
    if code in _SLOW:
        return QueryTooSlow(_TIMEOUT_MESSAGE, retry_after=RETRY_SECONDS)
    if code in _LOGIN:
        return _unusable("The accounting database refuses the service's account or its password.")
    if code in _RIGHTS:
        return _unusable("The service's account may not read a table of the accounting database.")
    if code in _MISSING:
        return _unusable("The accounting database lacks a table or column that slurmdbd makes.")
    if code in _FULL:
        return _unavailable("The accounting database accepts no more connections.")
    if code in _LOCKED:
        return _unavailable("A table of the accounting database is locked, perhaps by an upgrade of slurmdbd.")
    return _unavailable("The accounting database cannot be reached.")


def error_kind(answer: ApiError, cause: Exception) -> ErrorKind:
    """What sort of failure it was, for whoever counts them."""
    if isinstance(cause, exc.TimeoutError):
        return "pool"
    if isinstance(answer, QueryTooSlow):
        return "slow"
    return "unusable" if isinstance(answer, DatabaseUnusable) else "unavailable"


def _unavailable(sentence: str) -> ApiError:
    return DatabaseUnavailable(sentence, retry_after=RETRY_SECONDS)


def _unusable(sentence: str) -> ApiError:
    message = f"{sentence} `slurm-rest-api check` says what is wrong."
    return DatabaseUnusable(message, retry_after=RETRY_SECONDS)
