"""Counts the jobs that a limit counts, as far as a user may know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from slurm_rest_api.acctapi.associations import Association, Associations
from slurm_rest_api.acctapi.limit_kinds import Measure
from slurm_rest_api.acctapi.limits import Limit
from slurm_rest_api.acctapi.qos import Qos
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.store.held_jobs import CountedJobs, Held
from slurm_rest_api.slurmapi.store.reader import StoreView


class Use(NamedTuple):
    """Use of a limit by all jobs that it counts, and by those of one user. None: the jobs are private."""

    total: int | None
    own: int | None


def counted_by(
    limit: Limit,
    job: Mapping[str, Any],
    association: Association | None,
    associations: Associations,
    partitions_by_qos: Mapping[str, tuple[str, ...]],
) -> CountedJobs:
    """Returns the jobs that a limit counts for `job`, a published record that runs under `association`."""
    holder = limit.holder
    if isinstance(holder, Qos):
        user = job["user_name"] if limit.kind.counted == "user" else None
        # The account is that of the association, not with those below it.
        accounts = (job.get("account") or "",) if limit.kind.counted == "account" else None
        return CountedJobs(holder.name, partitions_by_qos.get(holder.name, ()), user, accounts)
    if not holder.user:
        return CountedJobs(accounts=tuple(sorted(associations.with_descendants([holder.acct]))))
    # Without a partition the association has the jobs that no association for a partition has.
    others = () if holder.partition else tuple(sorted(associations.partitions_of(holder.user, holder.acct)))
    return CountedJobs(
        user=holder.user, accounts=(holder.acct,), only_partition=holder.partition or None, other_partitions=others
    )


class JobCounts:
    """Counts jobs of one view of the store, each set of jobs once."""

    def __init__(self, view: StoreView, owner: str, scope: DataScope) -> None:
        self._view, self._owner, self._scope = view, owner, scope
        self._held: dict[CountedJobs, tuple[Held, Held]] = {}

    def use(self, counted: CountedJobs, measure: Measure, tres: str | None, at_least: int | None = None) -> Use:
        """Returns the running jobs, the pending and running jobs, or the TRES that the jobs hold. Memory is MiB.

        A use below `at_least` may be too high: nodes that jobs share may count several times.
        """
        if counted not in self._held:
            self._held[counted] = self._view.held(counted), self._view.held(counted, self._owner)
        sums, own_sums = self._held[counted]
        if tres is not None:
            total, own = sums.tres[tres], own_sums.tres[tres]
            if tres == "node" and (at_least is None or total >= at_least):
                total, own = self._view.held_nodes(counted, self._owner)
        else:
            total, own = sums.jobs, own_sums.jobs
            if measure == "submitted":
                total, own = total + sums.pending, own + own_sums.pending
        return Use(total if self._may_count(counted) else None, own if self._may_count_own(counted) else None)

    def _may_count(self, counted: CountedJobs) -> bool:
        """Returns True if all counted jobs are visible. The use of several users is also private usage."""
        if not self._scope.hides("jobs", "usage") or counted.user == self._scope.user:
            return True
        return counted.accounts is not None and self._scope.accounts.issuperset(counted.accounts)

    def _may_count_own(self, counted: CountedJobs) -> bool:
        return self._owner == self._scope.user or self._may_count(counted)
