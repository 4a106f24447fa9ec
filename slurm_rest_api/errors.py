"""The error tree: every exception that this service raises on purpose.

ServiceError                  its text is for people
├── ConfigError               the configuration cannot be used, the start stops
├── SourceError               the cluster could not be read (collector only)
│   ├── SourceUnavailable     slurmctld does not answer, a retry makes sense
│   ├── StoredFailure         the same, and the loader has published it
│   └── SourceUnusable        this host cannot read any cluster (no pyslurm, no slurm.conf)
├── StoreError                the snapshot store could not be read or written
├── ArchiveError              the load archive could not be opened, read or written
│   └── NotAnArchive          `archive_path` names another kind of file
├── TokenFileError            the token file could not be read or written
└── ApiError                  becomes an error response with its HTTP status
    ├── BadParameter          400, names the parameter
    ├── BadParameters         400, all faults of one query
    ├── Unauthenticated       401, no valid credentials
    ├── Forbidden             403, the user's role may not read the route
    ├── NotFound              404
    ├── PreconditionFailed    412, If-Match or If-Unmodified-Since does not hold
    ├── NotLoaded             503, nothing has been loaded yet
    ├── BeingRendered         503, a large response is not ready, and as many requests wait for it as may
    ├── DatabaseUnavailable   503, the accounting database does not answer
    │   └── DatabaseBusy      503, as many requests use it as may
    ├── DatabaseUnusable      503, it refuses this service: wrong password, missing table or grant
    ├── ArchiveUnavailable    503, the load archive cannot be read
    ├── QueryTooSlow          504, a query exceeded the time limit of the accounting database
    ├── StoreTooSlow          503, a statement exceeded the time limit of the snapshot store
    └── ClientDisconnected    503, the client did not wait for its response
"""

from __future__ import annotations

from typing import Any, ClassVar


class ServiceError(Exception):
    """Base of all errors. `str(error)` is a sentence for people and holds no secret."""


class ConfigError(ServiceError):
    """All faults of a configuration, one sentence each in `faults`."""

    def __init__(self, origin: str, faults: list[str]) -> None:
        self.origin = origin
        self.faults = faults
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"The configuration in {origin} cannot be used:\n{lines}")


class SourceError(ServiceError):
    """The cluster could not be read."""


class SourceUnavailable(SourceError):
    """slurmctld did not answer. The collector retries with back-off."""


class SourceUnusable(SourceError):
    """This host cannot read a cluster until an administrator changes something on it."""


class StoredFailure(SourceError):
    """The cluster could not be read, and clients can read why in the snapshot store."""


class StoreError(ServiceError):
    """The snapshot store could not be read or written."""


class ArchiveError(ServiceError):
    """The load archive could not be opened, read or written."""


class NotAnArchive(ArchiveError):
    """`archive_path` names a file that is no load archive. The message has no path, so clients may read it."""


class TokenFileError(ServiceError):
    """The token file could not be read or written, or does not fit the requested change."""


class ApiError(ServiceError):
    """An error response: `status` and `title` are the class's, `detail` is the message of the single case.

    Args:
        detail: what failed, the value or limit, and what to do.
        parameter: the query parameter at fault.
        retry_after: seconds, sent as `Retry-After`.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init_subclass__(cls, *, status: int, title: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.status = status
        cls.title = title

    def __init__(self, detail: str, *, parameter: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.parameter = parameter
        self.retry_after = retry_after


class BadParameter(ApiError, status=400, title="Bad parameter"):
    """A query parameter is unknown or has an invalid value."""


class BadParameters(ApiError, status=400, title="Bad parameter"):
    """All faults of one query."""

    def __init__(self, faults: list[BadParameter]) -> None:
        super().__init__(" ".join(fault.detail for fault in faults))
        self.faults = faults


class Unauthenticated(ApiError, status=401, title="Not authenticated"):
    """The request has no valid credentials."""


class Forbidden(ApiError, status=403, title="Forbidden"):
    """The user is known, but their role may not read the route."""


class NotFound(ApiError, status=404, title="Not found"):
    """The route or record does not exist, or is hidden from this user."""


class PreconditionFailed(ApiError, status=412, title="Precondition failed"):
    """The representation is not the one that the client requires."""


class NotLoaded(ApiError, status=503, title="No data yet"):
    """The collector has not loaded the cluster yet."""


class BeingRendered(ApiError, status=503, title="Being rendered"):
    """A large response is rendered for the first time. A retry makes sense."""


class DatabaseUnavailable(ApiError, status=503, title="Accounting database not available"):
    """The accounting database is unreachable or overloaded. A retry makes sense."""


class DatabaseBusy(DatabaseUnavailable, status=503, title="Accounting database busy"):
    """As many requests use the accounting database as one worker allows. A retry makes sense."""


class DatabaseUnusable(ApiError, status=503, title="Accounting database not usable"):
    """The accounting database cannot be used until an administrator changes something."""


class QueryTooSlow(ApiError, status=504, title="Query too slow"):
    """A query without a fitting index exceeded the time limit."""


class ArchiveUnavailable(ApiError, status=503, title="Load archive not available"):
    """The load archive cannot be read."""


class StoreTooSlow(ApiError, status=503, title="Query too slow"):
    """A statement of the snapshot store exceeded its time limit.

    It is no 504: this service computed the response alone, and waited for no other server (RFC 9110, 15.6.5).
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The query took longer than {seconds:g} seconds (`system.store_statement_seconds`). Narrow it: ask for one"
            " `user`, `account` or `jobid`, for fewer names, or for pages (`limit`) without `sort`.",
            retry_after=5,
        )


class ClientDisconnected(ApiError, status=503, title="Client disconnected"):
    """The client did not wait for its response, so the work for it ended."""
