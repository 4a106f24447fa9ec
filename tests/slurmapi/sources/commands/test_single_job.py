"""Single jobs of real clusters of several releases, asked for without JSON."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.commands.rpcs import Rpcs
from slurm_rest_api.slurmapi.sources.commands.single_job import SingleJobs
from tests.slurmapi.sources.commands.recorded_clusters import RELEASES, RecordedCluster, RecordedPrograms


@pytest.mark.parametrize("release", RELEASES)
def test_a_job_is_found_among_those_that_are_printed_with_it(release: str) -> None:
    cluster = RecordedCluster(release)
    jobs = SingleJobs(RecordedPrograms(cluster), cluster.numbers, Rpcs())
    names = set()
    for job_id, uid, *_others in cluster.rows("squeue", "\x1f"):
        job = jobs.read(int(job_id))
        assert job is not None
        assert job.job_id == int(job_id)
        assert job.fields["UserId"].endswith(f"({uid})")
        names.add(job.name.partition("\n")[0])
    assert names >= {"array", "deep", "line", "block"}
    assert ("het" in names) == (cluster.numbers >= (17, 11))
