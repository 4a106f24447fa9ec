"""Builds the responses of the live routes: from a prepared file, or from a query of the snapshot."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import orjson
from flask import Response, request

from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.errors import NotLoaded
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from slurm_rest_api.slurmapi.query.list_query import has_no_parameters, parse_list_query, query_hash
from slurm_rest_api.slurmapi.query.parameters import (
    TIMES,
    ListParameters,
    RecordParameters,
    StatsParameters,
    UsageParameters,
)
from slurm_rest_api.slurmapi.query.record_kinds import RECORD_KINDS
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.responses import single_record
from slurm_rest_api.slurmapi.responses.json_stream import in_envelope, with_fields
from slurm_rest_api.slurmapi.responses.priority_factors import has_factors, with_factors, with_factors_version
from slurm_rest_api.slurmapi.responses.records import Body, execute
from slurm_rest_api.slurmapi.responses.refresh import Refresher
from slurm_rest_api.slurmapi.responses.snapshot import LiveState, Name, Snapshot, with_query_etag
from slurm_rest_api.slurmapi.responses.stand_in import Demand
from slurm_rest_api.slurmapi.responses.stats import stats_body
from slurm_rest_api.slurmapi.responses.usage import field_choice_of, usage_body
from slurm_rest_api.slurmapi.responses.version_files import RenderedVersion
from slurm_rest_api.slurmapi.responses.whole_bodies import WholeBodies
from slurm_rest_api.slurmapi.store.conditions import Condition
from slurm_rest_api.slurmapi.store.index_columns import KINDS, Kind
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.compression import Coding
from slurm_rest_api.web.conditional import (
    accepted_coding,
    buffered_or_streamed_response,
    file_response,
    has_representation,
    may_be_replaced,
    no_store,
    not_modified,
    stream_response,
)
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.paging import add_link_header, encode_cursor, next_link
from slurm_rest_api.web.response_cache import (
    DEFAULT_LIFETIME_SECONDS,
    cache_while,
    do_not_cache,
    do_not_wait,
    limit_cache_lifetime,
)
from slurm_rest_api.web.server import client_disconnected_check
from slurm_rest_api.web.text_formats import MIMETYPES, Format

logger = logging.getLogger(__name__)

_NOT_WRITTEN: Final = "The body of /%s cannot be written to `runtime_dir`: %s. Streaming it."


class Responder:
    """Builds the responses of the live routes."""

    def __init__(self, live: LiveState, refresher: Refresher, whole: WholeBodies) -> None:
        self._live = live
        self._refresher = refresher
        self._whole = whole

    def records(self, kind: Kind, query: ListParameters, where: Condition) -> Response:
        """Returns the response to a list query of `kind` with the filters `where`."""
        scope = _scope()
        visible = row_filter_for(kind, scope)
        private = _private_fields(kind, scope)
        if visible.is_all and not private and has_no_parameters(query):
            return self._whole_response(kind)
        list_query = parse_list_query(kind, query, where, visible)
        if private:
            list_query = replace(list_query, fields=_without(private, list_query.fields or RECORD_KINDS[kind].fields))
        if not query.model_fields_set.isdisjoint(TIMES):
            # Times may be relative to now, such as now-1hour.
            limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
        response = self._response(
            kind,
            scope.cache_key if private else visible.cache_key,
            list_query.hash,
            lambda snapshot: execute(snapshot, list_query, lambda key: next_link(encode_cursor(key))),
            list_query.format,
            is_conditional=list_query.since is None,
            fields=list_query.fields,
        )
        return response if list_query.since is None else no_store(response)

    def record(self, kind: Kind, query: RecordParameters, name: str) -> Response:
        """Returns the response with the record of `kind` that is called `name`."""
        scope = _scope()
        visible = row_filter_for(kind, scope)
        private = _private_fields(kind, scope)
        fields = None if query.fields is None else RECORD_KINDS[kind].chosen(query.fields)
        if private:
            fields = _without(private, fields or RECORD_KINDS[kind].fields)

        def body(snapshot: Snapshot) -> Body:
            record = single_record.find(snapshot.view, kind, name, visible.where)
            if fields is not None and has_factors(fields):
                job = (orjson.loads(record)["job_id"], record)
                record = next(with_factors(snapshot.view, [job], fields))[1]
            else:
                record = with_fields(record, fields)
            return Body(in_envelope([record], {**snapshot.meta, "total": 1}))

        key = scope.cache_key if private else visible.cache_key
        return self._response(kind, key, query_hash(query, kind, name), body, may_be_missing=True, fields=fields)

    def usage(self, query: UsageParameters) -> Response:
        """Returns the response of /usage."""
        scope = _scope()
        fields = field_choice_of(query)
        name: Name = "usage_compact" if query.compact else "usage"
        hides_jobs = scope.hides("jobs")
        if query.model_fields_set.isdisjoint(("partition", "node", "fields", "format")) and not hides_jobs:
            return self._whole_response(name)
        return self._response(
            name if fields.has_nodes else "usage_summary",
            scope.cache_key if hides_jobs else "",
            query_hash(query),
            lambda snapshot: usage_body(snapshot, query, fields, job_counts=not hides_jobs),
            query.format,
        )

    def stats(self, query: StatsParameters) -> Response:
        """Returns the response of /stats."""
        scope = _scope()
        fields = None if query.fields is None else chosen_fields(query.fields, tuple(StatisticsRecord.model_fields))
        hides_users = scope.hides("users")
        if query.model_fields_set.isdisjoint(("fields", "format")) and not hides_users:
            return self._whole_response("stats")
        return self._response(
            "stats",
            scope.cache_key if hides_users else "",
            query_hash(query),
            lambda snapshot: stats_body(snapshot, fields, query.format, scope.user if hides_users else None),
            query.format,
        )

    def computed(self, body_of: Callable[[Snapshot, DataScope], Body], format: Format) -> Response:  # noqa: A002 - the parameter's own name
        """Returns the response with a body that `body_of` computes from nodes, partitions and reservations.

        Each of these has its own version, so the etag is that of the body.
        """
        self._refresh()
        scope, now = _scope(), time.time()
        with self._live.open("nodes", scope.cache_key, client_disconnected_check()) as snapshot:
            body = body_of(snapshot, scope)
            content = b"".join(body.pieces)
        etag = hashlib.blake2b(content, digest_size=16).hexdigest()
        found = replace(snapshot, etag=etag, changed_at=0.0)
        response = not_modified(found, now) or buffered_or_streamed_response(
            found, iter([content]), now, mimetype=MIMETYPES[format]
        )
        del response.headers["Last-Modified"]
        response.headers["X-Total-Count"] = str(body.total)
        return response

    def _response(
        self,
        name: Name,
        scope_key: str,
        query_hash: str,
        body_of: Callable[[Snapshot], Body],
        format: Format = "json",  # noqa: A002 - the parameter's own name
        *,
        is_conditional: bool = True,
        may_be_missing: bool = False,
        fields: Sequence[str] | None = None,
    ) -> Response:
        """Builds the response to one query: 304, or the body that `body_of` makes from the current snapshot.

        With `may_be_missing`, the body comes first: preconditions do not apply to a 404. Only a client with the etag of
        this version has got the record from it, so its 304 needs no search. `fields` are the requested ones of records.
        """
        self._refresh()
        now = time.time()
        # Only work for one client ends with its connection. Prepared bodies are for all.
        opened = self._live.open(name, scope_key, client_disconnected_check())
        with ExitStack() as stack:
            snapshot = with_query_etag(with_factors_version(stack.enter_context(opened), fields), query_hash)
            found = body_of(snapshot) if may_be_missing and not has_representation(snapshot) else None
            if is_conditional and (unchanged := not_modified(snapshot, now)) is not None:
                return unchanged
            body = found or body_of(snapshot)
            response = buffered_or_streamed_response(snapshot, body.pieces, now, mimetype=MIMETYPES[format])
            if response.is_streamed:
                # The body is read from the snapshot while it is sent.
                response.call_on_close(stack.pop_all().close)
        if body.total is not None:
            response.headers["X-Total-Count"] = str(body.total)
        if body.next is not None:
            add_link_header(response, body.next)
        return response

    def _whole_response(self, name: Name) -> Response:
        """Sends the prepared file with all of `name`."""
        self._refresh()
        now = time.time()
        coding = accepted_coding()
        try:
            with self._live.open(name) as snapshot:
                if not snapshot.is_large:
                    return self._small_response(snapshot, now, coding)
                if has_representation(snapshot) and (unchanged := not_modified(snapshot, now)) is not None:
                    self._whole.note_request(snapshot, coding)
                    limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
                    return may_be_replaced(unchanged, snapshot)
        except NotLoaded:
            if name in KINDS:
                self._whole.render_after_first_load(name, coding)
            raise
        return self._large_response(snapshot, coding)

    def _small_response(self, snapshot: Snapshot, now: float, coding: Coding) -> Response:
        """Sends the file with all of a small collection or of a document. Renders it first if there is none."""
        if (unchanged := not_modified(snapshot, now)) is not None:
            return unchanged
        try:
            return file_response(snapshot, self._live.open_body(snapshot, coding), now, coding)
        except OSError as error:
            logger.error(_NOT_WRITTEN, snapshot.name, error)
        return stream_response(snapshot, self._live.stream_body(snapshot.name, coding), now, coding)

    def _large_response(self, snapshot: Snapshot, coding: Coding) -> Response:
        """Sends the file with all of a large collection: the current version, or the one before while it is rendered.

        The view of `snapshot` may be closed, so that no view is open while a request waits.
        """
        # Identical requests get the version before until it is rendered.
        do_not_wait()
        try:
            body = self._whole.open(snapshot, _demand(), client_disconnected_check(), coding)
        except OSError as error:
            logger.error(_NOT_WRITTEN, snapshot.name, error)
            return stream_response(snapshot, self._live.stream_body(snapshot.name, coding), time.time(), coding)
        # The requests of clients are noted as often, so that the next version is rendered for them.
        limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
        if body.is_newest is not None:
            cache_while(body.is_newest)
        elif not body.is_current:
            do_not_cache()
        now = time.time()
        found = _sent(snapshot, body.version, now)
        try:
            if (response := not_modified(found, now)) is None:
                return may_be_replaced(file_response(found, body.file, now, coding), found)
        except BaseException:
            body.file.close()
            raise
        body.file.close()
        return may_be_replaced(response, found)

    def _refresh(self) -> None:
        if request.cache_control.no_cache:
            self._refresher.refresh(client_disconnected_check())


def _demand() -> Demand:
    """Returns the version of a route that the current request demands."""
    control = request.cache_control
    dates = (request.if_modified_since, request.if_unmodified_since)
    return Demand(
        # Such a client takes no stale response (RFC 9111, section 5.2.1.1).
        current=bool(control.no_cache) or control.max_age is not None,
        etags=(*request.if_none_match.as_set(include_weak=True), *request.if_match.as_set(include_weak=True)),
        changed_at=max((date.timestamp() for date in dates if date is not None), default=0.0),
    )


def _sent(snapshot: Snapshot, version: RenderedVersion, now: float) -> Snapshot:
    """Returns the metadata of the response with the body of `version`."""
    if version.etag == snapshot.etag:
        return replace(snapshot, loaded_at=version.loaded_at)
    return replace(
        snapshot,
        etag=version.etag,
        changed_at=version.changed_at,
        loaded_at=version.loaded_at,
        interval_seconds=version.interval_seconds,
        stale=version.failed or now > version.stale_from,
        stale_from=version.stale_from,
    )


def _private_fields(kind: Kind, scope: DataScope) -> frozenset[str]:
    """Returns the fields that records of `kind` lack for the user."""
    hides = kind == "nodes" and scope.hides("reservations")
    return frozenset(("reservations",)) if hides else frozenset()


def _without(private: frozenset[str], fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(field for field in fields if field not in private)


def _scope() -> DataScope:
    """Returns the data that the user may see. Limits caching, as the coordinators of accounts may change."""
    scope = current_scope()
    if scope != EVERYTHING:
        limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
    return scope
