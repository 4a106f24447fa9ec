"""The cluster's name for the titles of the pages."""

from __future__ import annotations

from slurm_rest_api.slurmapi.responses.cluster_name import ClusterName
from slurm_rest_api.slurmapi.store.reader import StoreReader
from tests.builders import make_partition
from tests.slurmapi.query.service import Service


def test_the_name_is_read_once_a_minute_and_kept_without_a_store(api: Service) -> None:
    times = [0.0]
    name = ClusterName(StoreReader(api.paths.store), lambda: times[0])
    assert name.current() == ""
    partitions = [make_partition(name="a", cluster=None), make_partition(name="b", cluster="alpha")]
    api.load({}, partitions=partitions)
    assert name.current() == ""
    times[0] = 5.0
    assert name.current() == "alpha"
    api.load({}, partitions=[make_partition(name="a", cluster="beta")])
    assert name.current() == "alpha"
    times[0] = 65.0
    assert name.current() == "beta"
    api.paths.store.write_bytes(b"no store")
    times[0] = 130.0
    assert name.current() == "beta"
