"""The simulated cluster as a source for the collector."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from slurm_rest_api.demo.fair_share import fair_share_records
from slurm_rest_api.demo.job_records import JobRecords
from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.node_records import node_records
from slurm_rest_api.demo.partition_records import partition_records
from slurm_rest_api.demo.priorities import EVALUATION_SECONDS, WEIGHTS, factors_of
from slurm_rest_api.demo.reservation_records import license_records, reservation_records
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.schedule import Schedule, schedule_of
from slurm_rest_api.demo.statistics_record import statistics_record
from slurm_rest_api.demo.timeline import Moment, Timeline
from slurm_rest_api.slurmapi.sources.base import (
    JobFingerprints,
    OptionalKind,
    Progress,
    Record,
    Snapshot,
    UnchangedJob,
    no_progress,
)
from slurm_rest_api.slurmapi.sources.commands.optional_records import RECORD_LIMIT

NAME: Final = "demo"
_FACTORS_SECONDS: Final = 60


class DemoSource:
    """Loads the simulated cluster at the time of `clock`. Makes no RPCs."""

    name = NAME
    rpcs_of_last_load = 0

    def __init__(self, scale: Scale, clock: Callable[[], float] = time.time) -> None:
        self.timeline = Timeline(scale)
        self.detail = f"simulation of {scale.nodes} nodes and about {scale.jobs} jobs, seed {scale.seed}"
        self.progress: Progress = no_progress
        self._clock = clock
        self._partitions = partition_records(self.timeline.hardware)
        self._fair_share = fair_share_records()
        self._factors: list[Record] = []
        self._factors_read_at = 0

    def load(self) -> Snapshot:
        """Returns the records of the cluster now."""
        return self.snapshot(self.moment())

    def moment(self) -> Moment:
        """Returns the state of the simulation now."""
        return self.timeline.at(int(self._clock()), self.progress)

    def snapshot(self, moment: Moment) -> Snapshot:
        """Returns the records of a moment. Its jobs can be iterated once."""
        nodes, schedule = self.timeline.hardware.nodes, schedule_of(moment)
        return Snapshot(
            jobs=_records(moment, schedule, {}, {}),
            nodes=node_records(moment, tuple(nodes)),
            partitions=self._partitions,
            statistics=statistics_record(moment, len(nodes)),
            reservations=reservation_records(tuple(nodes), moment.outages.values(), moment.now),
            licenses=license_records(nodes, moment.running),
            changed_since=lambda known, marks: _records(moment, schedule, known, marks),
            fair_share=self._fair_share,
            priority_factors=self._priority_factors(moment, schedule),
            priority_weights=WEIGHTS,
            optional_kinds=dict.fromkeys(("fair_share", "priority_factors"), OptionalKind(self._factors_read_at)),
        )

    def _priority_factors(self, moment: Moment, schedule: Schedule) -> list[Record]:
        """Returns the last reading of the factors of eligible jobs, which is made each minute."""
        minute = moment.now // _FACTORS_SECONDS * _FACTORS_SECONDS
        if minute != self._factors_read_at:
            eligible = (job for job in moment.pending if 0 < schedule.eligible_time(job) <= moment.now)
            self._factors = [factors_of(job, moment.now) for job in itertools.islice(eligible, RECORD_LIMIT)]
            self._factors_read_at = minute
        return self._factors


def _records(moment: Moment, schedule: Schedule, known: Mapping[int, int], marks: JobFingerprints) -> Iterator[Record]:
    records = JobRecords(schedule, moment.next_task)
    for job in moment.running:
        yield records.running(job)
    for job in moment.pending:
        if _is_independent(job):
            # Its id and times identify it. While it is pending, only its schedule, and with each evaluation its
            # priority change.
            plan = (schedule.reason(job), schedule.starts.get(job.id))
            mark = hash((job.id, job.submit, job.start, moment.now // EVALUATION_SECONDS, plan))
            marks[job.id] = mark
            if known.get(job.id) == mark:
                yield UnchangedJob(job_id=job.id, partition=job.partition)
                continue
        yield records.pending(job)
    for job in moment.ended:
        yield records.ended(job)


def _is_independent(job: Job) -> bool:
    """Returns True if the record refers to no other job."""
    return job.array is None and job.reason != "Dependency" and not job.het_id
