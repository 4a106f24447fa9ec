"""The live routes: /queue, /nodes, /partitions, /stats and /usage."""

from __future__ import annotations

import logging
import time

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from slurm_rest_api.slurmapi.answers import NodesAnswer, PartitionsAnswer, QueueAnswer, StatsAnswer, UsageAnswer
from slurm_rest_api.slurmapi.live import LiveState, Name
from slurm_rest_api.web.editions import accepts_gzip, full, not_modified, streamed
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.parameters import Parameters

logger = logging.getLogger(__name__)


class UsageParameters(Parameters):
    """Parameters of /usage."""

    compact: bool = Field(False, description="Leave nodes out of a partition that do not belong to it.")


def live_blueprint(live: LiveState) -> APIBlueprint:
    """The blueprint of the live routes over `live`."""
    blueprint = APIBlueprint(
        "slurmapi",
        __name__,
        abp_tags=[Tag(name="live", description="The state of the cluster now, from slurmctld.")],
        abp_responses={"400": ErrorAnswer, "503": ErrorAnswer},
    )

    @blueprint.get("/queue", summary="Jobs", responses={"200": QueueAnswer})
    def queue(query: Parameters) -> Response:
        """Every job that slurmctld knows, pending, running or just finished, keyed by job id."""
        return _answer(live, "queue")

    @blueprint.get("/nodes", summary="Nodes", responses={"200": NodesAnswer})
    def nodes(query: Parameters) -> Response:
        """Every node, keyed by name."""
        return _answer(live, "nodes")

    @blueprint.get("/partitions", summary="Partitions", responses={"200": PartitionsAnswer})
    def partitions(query: Parameters) -> Response:
        """Every partition, keyed by name."""
        return _answer(live, "partitions")

    @blueprint.get("/stats", summary="Scheduler statistics", responses={"200": StatsAnswer})
    def stats(query: Parameters) -> Response:
        """What `sdiag` knows: scheduler cycles, backfill, RPCs by type and by user."""
        return _answer(live, "stats")

    @blueprint.get("/usage", summary="CPU and memory use", responses={"200": UsageAnswer})
    def usage(query: UsageParameters) -> Response:
        """Partition × node matrix of CPU and memory use, with loads; memory in MiB."""
        return _answer(live, "usage_compact" if query.compact else "usage")

    return blueprint


def _answer(live: LiveState, name: Name) -> Response:
    now = time.time()
    gzip = accepts_gzip()
    with live.open(name) as current:
        if (unchanged := not_modified(current.edition, now)) is not None:
            return unchanged
        try:
            return full(current.edition, current.open_body(gzip=gzip), now, gzip=gzip)
        except OSError as error:
            logger.error(
                "The answer of /%s cannot be kept in the runtime directory, so it is streamed: %s", name, error
            )
        return streamed(current.edition, live.stream(name, gzip=gzip), now, gzip=gzip)
