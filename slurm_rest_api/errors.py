"""Every error that this service raises on purpose.

ServiceError                  something a person has to read
├── ConfigError               the configuration cannot be used; the start stops
├── SourceError               the cluster could not be read (collector only)
│   ├── SourceUnavailable     slurmctld does not answer; trying again makes sense
│   └── SourceUnusable        this host cannot read any cluster (no pyslurm, no slurm.conf)
├── StoreError                the snapshot store could not be read or written
├── ArchiveError              the load archive could not be opened, read or written
├── TokenFileError            the file of tokens could not be read or written
└── ApiError                  has an HTTP status and becomes an error answer
    ├── BadParameter          400, names the parameter
    ├── BadParameters         400, several of them at once
    ├── Unauthenticated       401, nobody proved who asks
    ├── Forbidden             403, whoever asks may not
    ├── NotFound              404
    ├── NotLoaded             503, nothing was ever loaded
    ├── TooManyWaiting        503, every place for waiting requests is taken
    ├── DatabaseUnavailable   503, the accounting database does not answer
    ├── DatabaseUnusable      503, it answers, but not to us: wrong password, missing table or right
    ├── ArchiveUnavailable    503, the load archive cannot be read
    └── QueryTooSlow          504, a query passed the time limit of the accounting database
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of all: `str(error)` is a sentence for people that holds no secret."""


class ConfigError(ServiceError):
    """All faults of a configuration at once; `faults` holds one sentence each."""

    def __init__(self, origin: str, faults: list[str]) -> None:
        self.origin = origin
        self.faults = faults
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"The configuration in {origin} cannot be used:\n{lines}")


class SourceError(ServiceError):
    """The cluster could not be read."""


class SourceUnavailable(SourceError):
    """slurmctld did not answer; the collector tries again with back-off."""


class SourceUnusable(SourceError):
    """This host cannot read a cluster at all until somebody changes something on it."""


class StoreError(ServiceError):
    """The snapshot store could not be read or written."""


class ArchiveError(ServiceError):
    """The load archive could not be opened, read or written."""


class TokenFileError(ServiceError):
    """The file of tokens could not be read or written, or what was to be done to it makes no sense."""


class ApiError(ServiceError):
    """An error answer: `status` and `title` belong to the class, `detail` to the case."""

    status = 500
    title = "Internal error"

    def __init__(self, detail: str, *, parameter: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.parameter = parameter
        self.retry_after = retry_after


class BadParameter(ApiError):
    """A query parameter that is unknown or has an unusable value."""

    status = 400
    title = "Bad parameter"


class BadParameters(ApiError):
    """Every fault of one query."""

    status = 400
    title = "Bad parameter"

    def __init__(self, faults: list[BadParameter]) -> None:
        super().__init__(" ".join(fault.detail for fault in faults))
        self.faults = faults


class Unauthenticated(ApiError):
    """Nobody proved who asks."""

    status = 401
    title = "Not authenticated"


class Forbidden(ApiError):
    """Who asks is known, and may not."""

    status = 403
    title = "Forbidden"


class NotFound(ApiError):
    """No such route or record."""

    status = 404
    title = "Not found"


class NotLoaded(ApiError):
    """Nothing has been loaded from the cluster yet, so there is nothing to answer with."""

    status = 503
    title = "No data yet"


class DatabaseUnavailable(ApiError):
    """The accounting database is out of reach or overloaded; trying again makes sense."""

    status = 503
    title = "Accounting database not available"


class DatabaseUnusable(ApiError):
    """The accounting database cannot be used until somebody changes something."""

    status = 503
    title = "Accounting database not usable"


class QueryTooSlow(ApiError):
    """No index serves what was asked for, and reading everything takes too long."""

    status = 504
    title = "Query too slow"


class TooManyLongPolls(ApiError):
    """Every place for requests that wait is taken."""

    status = 503
    title = "Too many waiting"


class ArchiveUnavailable(ApiError):
    """The load archive cannot be read just now."""

    status = 503
    title = "Load archive not available"
