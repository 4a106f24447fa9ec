"""Decides if the version before may be sent while the current one is rendered (RFC 5861, stale-while-revalidate)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from slurm_rest_api.slurmapi.shared.pacing import STALE_AFTER_CYCLES

_VERSION: Final = re.compile(r"(?P<generation>[^-]+)-(?P<number>\d{1,18})(-|$)")


class Version(Protocol):
    """A version of a route. Times are epoch seconds.

    `pace_seconds` is from load to load, `cycle_seconds` the time that a load takes.
    """

    @property
    def etag(self) -> str: ...
    @property
    def generation(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def changed_at(self) -> float: ...
    @property
    def loaded_at(self) -> float: ...
    @property
    def pace_seconds(self) -> float: ...
    @property
    def cycle_seconds(self) -> float: ...


@dataclass(frozen=True)
class Demand:
    """The version that a request demands.

    `current`: it accepts no other than the current one. `etags`: the etags that the client has. `changed_at`: the
    latest `Last-Modified` that the client has, in epoch seconds, 0 without one.
    """

    current: bool = False
    etags: Collection[str] = ()
    changed_at: float = 0.0


def may_stand_in(version: Version, current: Version, demand: Demand, now: float) -> bool:
    """Returns True if `version` may be sent in place of `current` to a client with this demand.

    A client never gets an older version than it has had. A version is sent for one interval beyond its time, which ends
    when the next load is stored. If the data has not changed since, its time ends when it becomes stale.
    """
    if demand.current or version.generation != current.generation or version.number > current.number:
        return False
    lifetimes = STALE_AFTER_CYCLES if version.number == current.number else 1
    # The age is negative if the clock was set back.
    if not 0.0 <= now - version.loaded_at < (lifetimes + 1) * version.pace_seconds + version.cycle_seconds:
        return False
    return int(version.changed_at) >= demand.changed_at and not any(
        _is_older(version, etag) for etag in demand.etags if etag != version.etag
    )


def _is_older(version: Version, etag: str) -> bool:
    """Returns True if `version` may be older than the response with `etag`. Other generations are not comparable."""
    found = _VERSION.match(etag)
    return found is not None and found["generation"] == version.generation and int(found["number"]) >= version.number
