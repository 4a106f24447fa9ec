"""Sums up the jobs that limits of associations and QOS count, for all jobs, each account and each user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from slurm_rest_api.slurm.states import JOBS
from slurm_rest_api.slurm.tres import parse_tres
from slurm_rest_api.slurmapi.collector.index_rows import held_tres
from slurm_rest_api.slurmapi.collector.valid_text import valid_text
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store.held_jobs import ALL, account_key, user_key

_PENDING = frozenset(state.name for state in JOBS.values() if state.phase == "pending")
# A tuple without names takes a third of the time, and there is one for each job.
LimitGroup = tuple[str | None, str | None, str | None, str | None, str | None]
"""QOS, account, user and partition of a job, and the TRES that it holds, None for a pending job."""

_Sum = list[Any]
"""The values of a `LimitSum`."""
_Sums = dict[tuple[str | None, ...], _Sum]
"""The sums of one owner by QOS, account and partition."""


def limit_group(job: Record) -> LimitGroup | None:
    """Returns the group of a published record, None for a job that no limit counts."""
    get = job.get
    # Most jobs are pending.
    is_pending = get("job_state") in _PENDING
    tres = None if is_pending else held_tres(job)
    if tres is None and not is_pending:
        return None
    return get("qos"), get("account"), get("user_name"), get("partition"), tres


class LimitUse:
    """Keeps the sums of all owners from one load to the next, and adds what has changed in between.

    There may be as many groups as jobs, and few of them change from one load to the next.
    """

    def __init__(self) -> None:
        self._numbers: dict[LimitGroup, int] = {}
        self._sums: dict[str, _Sums] = {}

    @property
    def is_empty(self) -> bool:
        """True if there is no sum yet. The next update then returns those of all owners."""
        return not self._numbers

    def update(self, groups: Iterable[tuple[LimitGroup, int]]) -> dict[str, bytes | None]:
        """Returns the changed bodies of the table `limit_use` by `owner`, None for an owner without jobs.

        Args:
            groups: Each group with the number of its pending tasks, or of its jobs that hold resources.
        """
        before = self._numbers
        now: dict[LimitGroup, int] = {}
        changed: set[str] = set()
        for group, number in groups:
            now[group] = number = now.get(group, 0) + number
        for group, number in now.items():
            if (difference := number - before.get(group, 0)) != 0:
                self._add(group, difference, changed)
        for group in before.keys() - now.keys():
            self._add(group, -before[group], changed)
        self._numbers = now
        return {valid_text(owner): self._body(owner) for owner in changed}

    def _add(self, group: LimitGroup, number: int, changed: set[str]) -> None:
        qos, account, user, partition, tres = group
        held = {} if tres is None else parse_tres(tres)
        for owner, named in ((user_key(user or ""), account), (account_key(account or ""), None), (ALL, None)):
            sums = self._sums.setdefault(owner, {})
            key = (qos, named, partition)
            found = sums.get(key)
            if found is None:
                found = sums[key] = [*key, 0, 0, {}]
            if tres is None:
                found[3] += number
            else:
                found[4] += number
                _add_tres(found[5], held, number)
            if not found[3] and not found[4]:
                del sums[key]
            changed.add(owner)

    def _body(self, owner: str) -> bytes | None:
        sums = list(self._sums[owner].values())
        if not sums:
            del self._sums[owner]
            return None
        try:
            return orjson.dumps(sums)
        except TypeError:
            # A text is no valid Unicode.
            return orjson.dumps(valid_text(sums))


def _add_tres(totals: dict[str, int], tres: Mapping[str, int], number: int) -> None:
    for name, count in tres.items():
        totals[name] = totals.get(name, 0) + count * number
        if not totals[name]:
            del totals[name]
