"""Submits pending jobs of one user through pyslurm.

Run `submit_jobs.py COUNT PARTITION,PARTITION,…` as that user on the cluster. It prints the number of submitted jobs,
which begin in a year.
"""

from __future__ import annotations

import sys
import time

import pyslurm

_YEAR_SECONDS = 365 * 24 * 3600
_ATTEMPTS = 20
_RETRY_SECONDS = 5.0
_KINDS = ("md-equilibrate", "blast", "train_resnet50", "cfd.mesh", "post", "sweep-alpha", "rnaseq_align", "qe.scf")


def main(count: int, partitions: list[str]) -> None:
    """Submits `count` jobs with varying name, partition, size, memory, time limit and output file."""
    begin = int(time.time()) + _YEAR_SECONDS
    for number in range(count):
        job = pyslurm.JobSubmitDescription(
            name=f"{_KINDS[number % len(_KINDS)]}_{number}",
            partitions=[partitions[number % len(partitions)]],
            script="#!/bin/bash\nsleep 60\n",
            working_directory="/",
            environment={"PATH": "/usr/bin:/bin"},
            begin_time=begin,
            ntasks=1 + number % 4,
            cpus_per_task=1 + number % 3,
            memory_per_cpu=f"{100 + 50 * (number % 5)}M",
            time_limit=10 + number % 50,
            standard_output=f"/home/shared/{_KINDS[number % len(_KINDS)]}-%j.out",
        )
        _submit(job)
    print(count)


def _submit(job: pyslurm.JobSubmitDescription) -> None:
    """Submits a job. Tries again where a busy slurmctld has not answered, which may add the job twice.

    With 70,000 jobs an answer took longer than MessageTimeout of slurm.conf(5).
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            job.submit()
        except pyslurm.RPCError as error:
            print(f"submit again: {error}", file=sys.stderr)
            time.sleep(_RETRY_SECONDS)
        else:
            return
    job.submit()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","))
