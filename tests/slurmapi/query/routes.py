"""The routes that answer records: queries to ask each, and what is to be expected, for properties over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from tests.slurmapi.query import jobs, nodes, reference_jobs, reference_nodes
from tests.slurmapi.query.reference import Sum, Test
from tests.slurmapi.query.service import Service


@dataclass(frozen=True)
class Cluster:
    """The state of a cluster at one time."""

    jobs: dict[int, Record]
    nodes: list[Record]
    partitions: list[Record]

    def load_into(self, service: Service) -> None:
        service.load(self.jobs, nodes=self.nodes, partitions=self.partitions)


@dataclass(frozen=True)
class Route:
    """A route with its oracle: tests by parameter, groups and sums by name, orders, and fields to ask for.

    `record` is the name of its records in the OpenAPI document.
    """

    path: str
    key: str
    record: str
    queries: st.SearchStrategy[dict[str, str]]
    tests: Mapping[str, Test]
    groups: Mapping[str, Callable[[Record], list[str]]]
    sums: Mapping[str, Sum]
    orders: list[str]
    fields: list[str]

    def wanted(self, records: Iterable[Record], query: Mapping[str, str]) -> list[Record]:
        """The records that meet every filter of the query. An empty one is no filter."""
        filters = {name: text for name, text in query.items() if text}
        return [record for record in records if all(self.tests[name](record, text) for name, text in filters.items())]

    def sorts(self) -> st.SearchStrategy[str]:
        """Orders by up to three fields, each either way."""
        signed = st.builds("{}{}".format, st.sampled_from(["", "-"]), st.sampled_from(self.orders))
        return st.lists(signed, max_size=3, unique_by=lambda name: name.removeprefix("-")).map(",".join)

    def some_fields(self) -> st.SearchStrategy[list[str]]:
        """Fields in any order, one of them perhaps twice."""
        return st.lists(st.sampled_from(self.fields), min_size=1, max_size=4)


QUEUE = Route(
    "/queue",
    "job_id",
    "JobRecord",
    jobs.queries,
    reference_jobs.TESTS,
    reference_jobs.GROUPS,
    reference_jobs.SUMS,
    reference_jobs.ORDERS,
    ["job_id", "name", "cpus_allocated", "req_nodes", "user_name", "time_limit", "comment", "run_time"],
)
NODES = Route(
    "/nodes",
    "name",
    "NodeRecord",
    nodes.node_queries,
    reference_nodes.NODE_TESTS,
    reference_nodes.NODE_GROUPS,
    reference_nodes.NODE_SUMS,
    reference_nodes.NODE_ORDERS,
    ["name", "state", "partitions", "gres", "free_mem", "reason", "comment"],
)
PARTITIONS = Route(
    "/partitions",
    "name",
    "PartitionRecord",
    nodes.partition_queries,
    reference_nodes.PARTITION_TESTS,
    reference_nodes.PARTITION_GROUPS,
    reference_nodes.PARTITION_SUMS,
    reference_nodes.PARTITION_ORDERS,
    ["name", "state", "nodes", "total_cpus", "alternate", "max_time"],
)
ROUTES = [QUEUE, NODES, PARTITIONS]


def clusters(most_jobs: int = 12) -> st.SearchStrategy[Cluster]:
    return st.builds(Cluster, jobs.jobs(most_jobs), nodes.nodes(), nodes.partitions())
