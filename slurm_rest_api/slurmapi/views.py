"""The live routes: /queue, /nodes, /partitions, /stats and /usage."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import orjson
from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.slurmapi.contract.responses import (
    JobAnswer,
    NodeAnswer,
    NodesResponse,
    PartitionAnswer,
    PartitionsResponse,
    QueueResponse,
    StatsResponse,
    UsageResponse,
)
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from slurm_rest_api.slurmapi.query import filters
from slurm_rest_api.slurmapi.query.list_query import ListQuery, has_no_parameters, parse_list_query, query_hash
from slurm_rest_api.slurmapi.query.parameters import (
    MOMENTS,
    JobPath,
    ListParameters,
    NamePath,
    NodesParameters,
    PartitionsParameters,
    QueueParameters,
    RecordParameters,
    StatsParameters,
    UsageParameters,
)
from slurm_rest_api.slurmapi.query.record_kinds import RECORD_KINDS
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.responses import single_record, usage
from slurm_rest_api.slurmapi.responses.desk import Desk
from slurm_rest_api.slurmapi.responses.document_tables import statistics_table, usage_table
from slurm_rest_api.slurmapi.responses.json_stream import in_envelope, with_fields
from slurm_rest_api.slurmapi.responses.records import answer_to, tagged
from slurm_rest_api.slurmapi.responses.snapshot import Name, Representation, SnapshotView
from slurm_rest_api.slurmapi.responses.stats import only_user_rpcs
from slurm_rest_api.slurmapi.store.conditions import Condition
from slurm_rest_api.slurmapi.store.index_columns import Kind
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import (
    accepts_gzip,
    again,
    full,
    kept_of,
    key_of,
    made,
    not_modified,
    streamed,
    unstored,
)
from slurm_rest_api.web.envelope import JSON, ErrorAnswer
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import encode_cursor, link_header, next_link
from slurm_rest_api.web.parameters import as_csv
from slurm_rest_api.web.response_cache import DEFAULT_LIFETIME_SECONDS, do_not_cache, limit_cache_lifetime
from slurm_rest_api.web.text_formats import MIMETYPES

logger = logging.getLogger(__name__)

LIVE: Final = "slurmapi"
"""The name of the blueprint."""


def live_blueprint(desk: Desk) -> APIBlueprint:
    """The blueprint of the live routes over `desk`."""
    blueprint = APIBlueprint(
        LIVE,
        __name__,
        abp_tags=[Tag(name="live", description="The state of the cluster now, from slurmctld.")],
        abp_responses={"400": ErrorAnswer, "503": ErrorAnswer},
    )
    _add_collections(blueprint, desk)
    _add_records(blueprint, desk)
    _add_documents(blueprint, desk)
    return blueprint


def _add_collections(blueprint: APIBlueprint, desk: Desk) -> None:
    @blueprint.get("/queue", summary="Jobs", responses={"200": QueueResponse})
    def queue(query: QueueParameters) -> Response:
        """Every job that slurmctld knows, pending, running or just finished, keyed by job id; or those asked for."""
        return _records(desk, "queue", query, filters.of_queue(query))

    @blueprint.get("/nodes", summary="Nodes", responses={"200": NodesResponse})
    def nodes(query: NodesParameters) -> Response:
        """Every node, keyed by name; or those asked for."""
        return _records(desk, "nodes", query, filters.of_nodes(query))

    @blueprint.get("/partitions", summary="Partitions", responses={"200": PartitionsResponse})
    def partitions(query: PartitionsParameters) -> Response:
        """Every partition, keyed by name; or those asked for."""
        return _records(desk, "partitions", query, filters.of_partitions(query))

    # The same as format=csv; the document names it once.
    @blueprint.get("/queue.csv", doc_ui=False)
    def queue_csv(query: QueueParameters) -> Response:
        return _records(desk, "queue", as_csv(query), filters.of_queue(query))

    @blueprint.get("/nodes.csv", doc_ui=False)
    def nodes_csv(query: NodesParameters) -> Response:
        return _records(desk, "nodes", as_csv(query), filters.of_nodes(query))

    @blueprint.get("/partitions.csv", doc_ui=False)
    def partitions_csv(query: PartitionsParameters) -> Response:
        return _records(desk, "partitions", as_csv(query), filters.of_partitions(query))


def _add_records(blueprint: APIBlueprint, desk: Desk) -> None:
    @blueprint.get("/queue/<jobid>", summary="A job", responses={"200": JobAnswer, "404": ErrorAnswer})
    def job(path: JobPath, query: RecordParameters) -> Response:
        """One job: `123`, a task of an array `123_7`, a component of a heterogeneous job `123+1`."""
        return _record(desk, "queue", query, path.jobid)

    @blueprint.get("/nodes/<name>", summary="A node", responses={"200": NodeAnswer, "404": ErrorAnswer})
    def node(path: NamePath, query: RecordParameters) -> Response:
        """One node by its name."""
        return _record(desk, "nodes", query, path.name)

    @blueprint.get("/partitions/<name>", summary="A partition", responses={"200": PartitionAnswer, "404": ErrorAnswer})
    def partition(path: NamePath, query: RecordParameters) -> Response:
        """One partition by its name."""
        return _record(desk, "partitions", query, path.name)


def _add_documents(blueprint: APIBlueprint, desk: Desk) -> None:
    @blueprint.get("/stats", summary="Scheduler statistics", responses={"200": StatsResponse})
    def stats(query: StatsParameters) -> Response:
        """What `sdiag` knows: scheduler cycles, backfill, RPCs by type and by user."""
        return _stats(desk, query)

    @blueprint.get("/usage", summary="CPU and memory use", responses={"200": UsageResponse})
    def usage(query: UsageParameters) -> Response:
        """Partition × node matrix of CPU and memory use, with loads; memory in MiB."""
        return _usage(desk, query)

    # The same as format=csv; the document names it once.
    @blueprint.get("/stats.csv", doc_ui=False)
    def stats_csv(query: StatsParameters) -> Response:
        return _stats(desk, as_csv(query))

    @blueprint.get("/usage.csv", doc_ui=False)
    def usage_csv(query: UsageParameters) -> Response:
        return _usage(desk, as_csv(query))


def _records(desk: Desk, kind: Kind, query: ListParameters, where: Condition) -> Response:
    seen = row_filter_for(kind, _scope())
    question = None if seen.is_all and has_no_parameters(query) else parse_list_query(kind, query, where, seen)
    _freshen(desk)
    if question is None:
        return _whole(desk, kind)
    if not query.model_fields_set.isdisjoint(MOMENTS):
        # They may mean another time soon: now-1hour.
        limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
    if question.wait_seconds:
        do_not_cache()
        desk.await_change(question)
    now = time.time()
    with ExitStack() as stack:
        current = stack.enter_context(desk.live.open(kind, seen.cache_key))
        edition = tagged(current, question.digest)
        if question.since is None and (unchanged := not_modified(edition, now)) is not None:
            return unchanged
        key = key_of(edition, has_links=question.selection.limit is not None)
        with desk.memory.making(key):
            if (kept := desk.memory.get(key)) is not None:
                response = again(edition, kept, now)
            else:
                # The view stays open for as long as pieces are read from it.
                response = _made(current, edition, question, now, stack.pop_all().close)
                if (made_now := kept_of(response)) is not None:
                    desk.memory.keep(key, made_now)
    return response if question.since is None else unstored(response)


def _made(
    current: SnapshotView, edition: Representation, question: ListQuery, now: float, close: Callable[[], None]
) -> Response:
    try:
        answer = answer_to(current, question, lambda place: next_link(encode_cursor(place)))
        response = made(edition, answer.pieces, now, mimetype=MIMETYPES[question.format], on_close=close)
    except BaseException:
        close()
        raise
    response.headers["X-Total-Count"] = str(answer.total)
    if answer.next is not None:
        response.headers["Link"] = link_header(answer.next)
    return response


def _record(desk: Desk, kind: Kind, query: RecordParameters, name: str) -> Response:
    fields = None if query.fields is None else chosen_fields(query.fields, RECORD_KINDS[kind].fields)
    seen = row_filter_for(kind, _scope())
    _freshen(desk)
    with desk.live.open(kind, seen.cache_key) as current:
        # Whoever has the tag of this version got the record out of it: there is no need to look whether it is there.
        digest = query_hash(query, kind, name)
        return _small(
            current, lambda: with_fields(single_record.find(current.view, kind, name, seen.where), fields), 1, digest
        )


def _usage(desk: Desk, query: UsageParameters) -> Response:
    fields = usage.fields_of(query)
    _freshen(desk)
    scope = _scope()
    name: Name = "usage_compact" if query.compact else "usage"
    if query.model_fields_set.isdisjoint(("partition", "node", "fields", "format")) and not scope.hides("jobs"):
        return _whole(desk, name)
    now, mark = time.time(), scope.cache_key if scope.hides("jobs") else ""
    with desk.live.open(name if fields.has_nodes else "usage_summary", mark) as current:
        edition = tagged(current, query_hash(query))
        if (unchanged := not_modified(edition, now)) is not None:
            return unchanged
        if (kept := desk.memory.get(key_of(edition, has_links=False))) is not None:
            return again(edition, kept, now)
        document = current.view.document(current.name)
        chosen, total = usage.choose(document, query.partition, query.node, fields, jobs=not mark)
        pieces = (
            in_envelope([orjson.dumps(chosen)], {**current.edition.meta, "total": total})
            if query.format == "json"
            else usage_table(query.format, chosen, fields.of_partition or ())
        )
        response = made(edition, pieces, now, mimetype=MIMETYPES[query.format])
    response.headers["X-Total-Count"] = str(total)
    if (made_now := kept_of(response)) is not None:
        desk.memory.keep(key_of(edition, has_links=False), made_now)
    return response


def _stats(desk: Desk, query: StatsParameters) -> Response:
    fields = None if query.fields is None else chosen_fields(query.fields, tuple(StatisticsRecord.model_fields))
    _freshen(desk)
    scope = _scope()
    hides_users = scope.hides("users")
    if query.model_fields_set.isdisjoint(("fields", "format")) and not hides_users:
        return _whole(desk, "stats")
    with desk.live.open("stats", scope.cache_key if hides_users else "") as current:

        def data() -> bytes:
            document = current.view.document("stats")
            return with_fields(only_user_rpcs(document, scope.user) if hides_users else document, fields)

        if query.format == "json":
            return _small(current, data, current.collection.total, query_hash(query))
        now, edition = time.time(), tagged(current, query_hash(query))
        if (unchanged := not_modified(edition, now)) is not None:
            return unchanged
        table = statistics_table(query.format, orjson.loads(data()))
        return made(edition, table, now, mimetype=MIMETYPES[query.format])


def _small(current: SnapshotView, data: Callable[[], bytes], total: int, digest: str) -> Response:
    now, edition = time.time(), tagged(current, digest)
    if (unchanged := not_modified(edition, now)) is not None:
        return unchanged
    pieces = in_envelope([data()], {**current.edition.meta, "total": total})
    return made(edition, pieces, now, mimetype=JSON)


def _scope() -> DataScope:
    """What whoever asks sees. Less than everything may be other things soon: the accounting database says whose."""
    scope = current_scope()
    if scope != EVERYTHING:
        limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
    return scope


def _freshen(desk: Desk) -> None:
    if request.cache_control.no_cache:
        desk.freshen()


def _whole(desk: Desk, name: Name) -> Response:
    now = time.time()
    gzip = accepts_gzip()
    with desk.live.open(name) as current:
        if (unchanged := not_modified(current.edition, now)) is not None:
            return unchanged
        try:
            return full(current.edition, current.open_body(gzip=gzip), now, gzip=gzip)
        except OSError as error:
            logger.error(
                "The answer of /%s cannot be kept in the runtime directory, so it is streamed: %s", name, error
            )
        return streamed(current.edition, desk.live.stream(name, gzip=gzip), now, gzip=gzip)
