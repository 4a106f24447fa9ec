"""Computes the fields of a running job that time alone changes."""

from __future__ import annotations

import orjson

from slurm_rest_api.slurmapi.sources.formats import clock_fields


def with_run_time(body: bytes, run_time: int) -> bytes:
    """Returns a rendered job record as it is after `run_time` seconds, if nothing else has changed."""
    job = orjson.loads(body)
    job.update(clock_fields(run_time, job["num_cpus"], job["time_limit"], job["job_state"]))
    return orjson.dumps(job)
