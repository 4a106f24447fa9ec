"""Translates errors of the accounting database to API errors, by error number. No I/O.

The messages are for clients, so they contain neither account nor host. The log has both.
"""

from __future__ import annotations

from typing import Final, Literal

from pymysql.constants import CR, ER
from sqlalchemy import exc

from slurm_rest_api.databases.circuit import Reason
from slurm_rest_api.errors import ApiError, DatabaseBusy, DatabaseUnavailable, DatabaseUnusable, QueryTooSlow

ErrorKind = Literal["pool", "slow", "unavailable", "unusable"]
"""pool: as many requests as may use the database did. slow: a statement exceeded its limit. unavailable: the server did
not answer or refuses connections for now. unusable: the server answers, but the service may not use it."""

RETRY_SECONDS: Final = 10

# Server error codes that PyMySQL has no names for.
_STATEMENT_TIMEOUT_MARIADB: Final = 1969
_STATEMENT_TIMEOUT_MYSQL: Final = 3024
_SOCKET_LOGIN_ONLY: Final = 1698
_TOO_MANY_OF_USER: Final = 1226

SCHEMA_CHANGED: Final = frozenset((ER.BAD_FIELD_ERROR, ER.NO_SUCH_TABLE))
"""A column or a table is missing: slurmdbd was upgraded after the columns were read."""

_LOGIN: Final = frozenset((ER.ACCESS_DENIED_ERROR, _SOCKET_LOGIN_ONLY, ER.HOST_NOT_PRIVILEGED, ER.HOST_IS_BLOCKED))
_RIGHTS: Final = frozenset((ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR))
_MISSING: Final = frozenset((ER.BAD_DB_ERROR, ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR))
_FULL: Final = frozenset((ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, _TOO_MANY_OF_USER))
_SLOW: Final = frozenset((_STATEMENT_TIMEOUT_MARIADB, _STATEMENT_TIMEOUT_MYSQL, ER.QUERY_INTERRUPTED))
_LOCKED: Final = frozenset((ER.LOCK_WAIT_TIMEOUT,))

_UNREACHABLE: Final = frozenset(
    (
        CR.CR_CONNECTION_ERROR,
        CR.CR_CONN_HOST_ERROR,
        CR.CR_UNKNOWN_HOST,
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        CR.CR_SERVER_LOST_EXTENDED,
    )
)
"""Errors of the driver: no connection, or no answer in time."""

_OF_THE_DRIVER: Final = range(2000, 3000)
"""Error numbers of the driver. All others are those of a server that has answered."""

_TIMEOUT_MESSAGE: Final = (
    "The accounting database did not finish this query within `db_statement_seconds`. Add a time range, such as"
    " submitafter=now-30days, or a user, an account, a QOS or job ids."
)


def error_code(error: exc.DBAPIError) -> int:
    """Returns the error number of the server or driver. 0 if there is none."""
    args = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], int) else 0


def is_too_slow(error: exc.DBAPIError) -> bool:
    """Returns True if the server ended the statement at the time limit."""
    return error_code(error) in _SLOW


def to_api_error(error: exc.SQLAlchemyError) -> ApiError:
    """Returns the API error (503 or 504) for an error of the database."""
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
        return _unavailable("The accounting database accepts no more connections. Retry later.")
    if code in _LOCKED:
        return _unavailable(
            "A table of the accounting database is locked, perhaps by an upgrade of slurmdbd. Retry later."
        )
    if code and code not in _OF_THE_DRIVER:
        return _unavailable(
            f"The accounting database reports error {code}. Retry later. The service's log has its text."
        )
    return _unavailable("The accounting database cannot be reached. Retry later.")


def error_kind(error: ApiError, cause: Exception) -> ErrorKind:
    """Returns the kind of a failure, for metrics."""
    if isinstance(error, QueryTooSlow):
        return "slow"
    return "unusable" if isinstance(error, DatabaseUnusable) else "unavailable"


def is_unreachable(error: Exception) -> bool:
    """Returns True if the server could not be reached, or did not answer in time."""
    return isinstance(error, exc.DBAPIError) and error_code(error) in _UNREACHABLE


def cause_of(error: Exception) -> object:
    """Returns the error of the driver. SQLAlchemy's has the statement, too."""
    return error.orig if isinstance(error, exc.DBAPIError) else error


def refusal(reason: Reason, retry_after: int) -> ApiError:
    """Returns the API error for a request that the circuit refused."""
    if reason == "busy":
        return DatabaseBusy(
            "The accounting database is busy: as many requests use it as `database.db_pool_size` allows. Retry later.",
            retry_after=retry_after,
        )
    return DatabaseUnavailable(
        "The accounting database does not answer. The service tries to reach it every few seconds. Retry later.",
        retry_after=retry_after,
    )


def refusal_kind(reason: Reason) -> ErrorKind:
    """Returns the kind of a refusal, for metrics."""
    return "unavailable" if reason == "open" else "pool"


def _unavailable(message: str) -> ApiError:
    return DatabaseUnavailable(message, retry_after=RETRY_SECONDS)


def _unusable(message: str) -> ApiError:
    return DatabaseUnusable(f"{message} `slurm-rest-api check` reports the cause.", retry_after=RETRY_SECONDS)
