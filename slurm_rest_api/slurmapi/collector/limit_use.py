"""Sums up the jobs that limits of associations and QOS count, for all jobs, each account and each user."""

from __future__ import annotations

from collections import defaultdict
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


def limit_group(job: Record) -> LimitGroup | None:
    """Returns the group of a published record, None for a job that no limit counts."""
    get = job.get
    # Most jobs are pending.
    is_pending = get("job_state") in _PENDING
    tres = None if is_pending else held_tres(job)
    if tres is None and not is_pending:
        return None
    return get("qos"), get("account"), get("user_name"), get("partition"), tres


def limit_use(groups: Iterable[tuple[LimitGroup, int]]) -> dict[str, bytes]:
    """Returns the bodies of the table `limit_use` by `owner`.

    Args:
        groups: Each group with the number of its pending tasks, or of its jobs that hold resources.
    """
    # Short steps: there may be as many groups as jobs.
    of_users: dict[tuple[str | None, ...], _Sum] = {}
    for group, number in groups:
        qos, account, _, partition, tres = group
        found = of_users.get(group[:4])
        if found is None:
            found = of_users[group[:4]] = [qos, account, partition, 0, 0, {}]
        if tres is None:
            found[3] += number
        else:
            found[4] += number
            _add(found[5], parse_tres(tres), number)
    owners: defaultdict[str, list[_Sum]] = defaultdict(list)
    for (_, _, user, _), found in of_users.items():
        owners[user_key(user or "")].append(found)
    of_accounts = _by_account(of_users.values())
    for (account, _, _), found in of_accounts.items():
        owners[account_key(account or "")].append(found)
    owners[ALL] = list(_by_account(of_accounts.values()).values())
    return {valid_text(owner): _rendered(sums) for owner, sums in owners.items()}


def _by_account(sums: Iterable[_Sum]) -> dict[tuple[str | None, ...], _Sum]:
    """Returns the sums by account, QOS and partition. They have no account themselves."""
    totals: dict[tuple[str | None, ...], _Sum] = {}
    for each in sums:
        qos, account, partition = each[:3]
        total = totals.get((account, qos, partition))
        if total is None:
            total = totals[account, qos, partition] = [qos, None, partition, 0, 0, {}]
        total[3] += each[3]
        total[4] += each[4]
        _add(total[5], each[5], 1)
    return totals


def _add(totals: dict[str, int], tres: Mapping[str, int], number: int) -> None:
    for name, count in tres.items():
        totals[name] = totals.get(name, 0) + count * number


def _rendered(sums: list[_Sum]) -> bytes:
    try:
        return orjson.dumps(sums)
    except TypeError:
        # A text is no valid Unicode.
        return orjson.dumps(valid_text(sums))
