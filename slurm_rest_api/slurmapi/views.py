"""The live routes: /queue, /nodes, /partitions, /reservations, /licenses, /fairshare, /stats and /usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.slurmapi.contract.responses import (
    FairShareResponse,
    JobAnswer,
    NodeAnswer,
    NodesResponse,
    PartitionAnswer,
    PartitionsResponse,
    QueueResponse,
    StatsResponse,
    UsageResponse,
)
from slurm_rest_api.slurmapi.query import filters
from slurm_rest_api.slurmapi.query.fair_share import FairShareParameters, of_fair_share
from slurm_rest_api.slurmapi.query.parameters import (
    JobPath,
    NamePath,
    NodesParameters,
    PartitionsParameters,
    QueueParameters,
    RecordParameters,
    StatsParameters,
    UsageParameters,
)
from slurm_rest_api.slurmapi.reservation_views import add_reservation_routes
from slurm_rest_api.slurmapi.responses.responder import Responder
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.paging import add_related_link
from slurm_rest_api.web.routes import LIVE_TAG, add_csv_route, create_blueprint

LIVE: Final = "slurmapi"
"""The name of the blueprint."""


def live_blueprint(responder: Responder, *, links_events: bool = False, links_history: bool = False) -> APIBlueprint:
    """Returns the blueprint of the live routes.

    With `links_events` a node links to its events, with `links_history` a job to its records in /history.
    """
    blueprint = create_blueprint(LIVE, __name__, LIVE_TAG, "400", "412", "503")
    _add_collections(blueprint, responder)
    _add_records(blueprint, responder, links_events=links_events, links_history=links_history)
    add_reservation_routes(blueprint, responder)
    _add_fair_share(blueprint, responder)
    _add_documents(blueprint, responder)
    return blueprint


def _add_collections(blueprint: APIBlueprint, responder: Responder) -> None:
    @blueprint.get("/queue", summary="Jobs", responses={"200": QueueResponse})
    def queue(query: QueueParameters) -> Response:
        """Jobs that slurmctld knows: pending, running or recently finished. Keyed by job id."""
        return responder.records("queue", query, filters.of_queue(query))

    @blueprint.get("/nodes", summary="Nodes", responses={"200": NodesResponse})
    def nodes(query: NodesParameters) -> Response:
        """Nodes, keyed by name."""
        return responder.records("nodes", query, filters.of_nodes(query))

    @blueprint.get("/partitions", summary="Partitions", responses={"200": PartitionsResponse})
    def partitions(query: PartitionsParameters) -> Response:
        """Partitions, keyed by name."""
        return responder.records("partitions", query, filters.of_partitions(query))

    _add_csv_routes(blueprint, queue, nodes, partitions)


def _add_records(blueprint: APIBlueprint, responder: Responder, *, links_events: bool, links_history: bool) -> None:
    @blueprint.get("/queue/<jobid>", summary="A job", responses={"200": JobAnswer, "404": ErrorAnswer})
    def job(path: JobPath, query: RecordParameters) -> Response:
        """One job: `123`, an array task `123_7`, or a component of a heterogeneous job `123+1`.

        With the accounting database the header `Link` (rel=related) leads to its records in /history.
        """
        response = responder.record("queue", query, path.jobid)
        if links_history:
            add_related_link(response, "/history/", path.jobid)
        return response

    @blueprint.get("/nodes/<name>", summary="A node", responses={"200": NodeAnswer, "404": ErrorAnswer})
    def node(path: NamePath, query: RecordParameters) -> Response:
        """One node by its name. If /events is on, the header `Link` (rel=related) leads to the events of the node."""
        response = responder.record("nodes", query, path.name)
        if links_events:
            add_related_link(response, "/events?node=", path.name)
        return response

    @blueprint.get("/partitions/<name>", summary="A partition", responses={"200": PartitionAnswer, "404": ErrorAnswer})
    def partition(path: NamePath, query: RecordParameters) -> Response:
        """One partition by its name."""
        return responder.record("partitions", query, path.name)


def _add_fair_share(blueprint: APIBlueprint, responder: Responder) -> None:
    @blueprint.get("/fairshare", summary="Fair share", responses={"200": FairShareResponse, "404": ErrorAnswer})
    def fairshare(query: FairShareParameters) -> Response:
        """Fair share of accounts and of users in accounts, as `sshare` prints it. Keyed by `account/user`."""
        return responder.records("fairshare", query, of_fair_share(query))

    _add_csv_routes(blueprint, fairshare)


def _add_documents(blueprint: APIBlueprint, responder: Responder) -> None:
    @blueprint.get("/stats", summary="Scheduler statistics", responses={"200": StatsResponse})
    def stats(query: StatsParameters) -> Response:
        """The figures of `sdiag`: scheduler cycles, backfill, RPCs by type and by user."""
        return responder.stats(query)

    @blueprint.get("/usage", summary="CPU and memory use", responses={"200": UsageResponse})
    def usage(query: UsageParameters) -> Response:
        """Partition × node matrix of CPU and memory use, with loads. Memory is in MiB."""
        return responder.usage(query)

    _add_csv_routes(blueprint, stats, usage)


def _add_csv_routes(blueprint: APIBlueprint, *views: Callable[..., Response]) -> None:
    for view in views:
        add_csv_route(blueprint, f"/{view.__name__}", view)
