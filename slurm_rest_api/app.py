"""Composes the web application: settings → parts → blueprints → error responses → access."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flask_cors import CORS
from flask_openapi3 import Info, OpenAPI

from slurm_rest_api.acctapi.coordinators import Coordinators
from slurm_rest_api.acctapi.events import ShownNodes
from slurm_rest_api.acctapi.factory import open_accounting
from slurm_rest_api.acctapi.job_history_views import job_history_blueprint
from slurm_rest_api.acctapi.reference_views import reference_blueprint
from slurm_rest_api.acctapi.usage_views import utilization_blueprint
from slurm_rest_api.acctapi.views import Accounting, accounting_blueprint
from slurm_rest_api.archive.factory import open_archive
from slurm_rest_api.archive.status import ArchiveStatus, read_status
from slurm_rest_api.archive.views import Archive, load_blueprint
from slurm_rest_api.auth.data_scope import no_accounts, scope_for
from slurm_rest_api.auth.factory import open_auth
from slurm_rest_api.auth.openapi import secured, security_schemes
from slurm_rest_api.auth.permissions import authorize
from slurm_rest_api.auth.principal import Authenticate
from slurm_rest_api.config import Settings
from slurm_rest_api.config.pages import PagesSettings
from slurm_rest_api.databases.circuit import Circuit
from slurm_rest_api.explainapi.views import EXPLAIN, explain_blueprint
from slurm_rest_api.health.checks import Check, accounting_check, archive_check, authentication_check, snapshot_check
from slurm_rest_api.health.views import health_blueprint
from slurm_rest_api.jobsapi.views import jobs_blueprint
from slurm_rest_api.metrics.counters import Counters, DatabaseCounts, count_circuits, count_requests, open_counters
from slurm_rest_api.metrics.exposition import Exposition
from slurm_rest_api.metrics.owners import Owner
from slurm_rest_api.metrics.views import metrics_blueprint
from slurm_rest_api.pages.site import Cluster, Link, MessageFile, Site, logo_fault, read_logo
from slurm_rest_api.pages.views import Frame, pages_blueprint
from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.slurmapi.availability.views import AVAILABILITY, availability_blueprint
from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies
from slurm_rest_api.slurmapi.responses.cluster_name import ClusterName
from slurm_rest_api.slurmapi.responses.refresh import Refresher
from slurm_rest_api.slurmapi.responses.responder import Responder
from slurm_rest_api.slurmapi.responses.snapshot import LiveState, shown_nodes
from slurm_rest_api.slurmapi.responses.whole_bodies import WholeBodies
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.version import StoreVersionReader
from slurm_rest_api.slurmapi.views import LIVE, live_blueprint
from slurm_rest_api.version import __version__
from slurm_rest_api.web import error_handlers
from slurm_rest_api.web.auth import credentials_of, require_principal
from slurm_rest_api.web.envelope import ErrorAnswer, indent_json
from slurm_rest_api.web.openapi_document import DescribedApplication
from slurm_rest_api.web.operator_params import ComparingRequest
from slurm_rest_api.web.proxied_files import join_vary
from slurm_rest_api.web.request_events import Observer, log_access, observe
from slurm_rest_api.web.response_cache import Identify, ResponseCacheMiddleware, no_authentication
from slurm_rest_api.web.security_headers import add_security_headers
from slurm_rest_api.web.server import server_threads, share_threads

logger = logging.getLogger(__name__)

_BY_TOKEN = ("token", "jwt")
_EXPOSED = [
    "Age",
    "ETag",
    "Link",
    "X-Authenticated-User",
    "X-Private-Data",
    "X-Slurm-Stale",
    "X-Total-Count",
    "X-Truncated",
]


def create_app(settings: Settings, *, is_checked: bool = False) -> DescribedApplication:
    """Creates the WSGI application for `settings`. Opens no socket, starts no thread, never imports pyslurm.

    `is_checked`: the start of the service has checked the files of the settings, see `open_auth`.
    """
    app = _empty_app(settings)
    paths = RuntimePaths.of(settings)
    system = settings.system
    snapshots = StoreReader(paths.store, system.store_statement_seconds)
    shares = share_threads(
        server_threads(system.web_threads), accounting=system.use_acct_db, archive=system.archive_usage_load
    )
    accounting, archive = open_accounting(settings, shares.accounting), open_archive(settings, shares.archive)
    counters = open_counters(paths.counters)
    archive_status = partial(read_status, paths.archive_status)
    checks = {"snapshot": snapshot_check(snapshots)}
    authentication = open_auth(settings, is_checked=is_checked)
    if authentication is not None and authentication.fault is not None:
        checks["authentication"] = authentication_check(authentication.fault)
    checks |= _check_databases(accounting, archive, archive_status, counters)
    prepared = PreparedBodies(paths.prepared)
    live = LiveState(snapshots, prepared)
    refresher = Refresher(live.status, paths.refresh_pipe, slots=shares.refresh)
    exposition = Exposition(snapshots, prepared, counters, checks, _most_owners(settings), archive_status)
    whole = WholeBodies(live, paths.prepared, slots=shares.rendering)
    _register_live(app, settings, Responder(live, refresher, whole))
    _register_accounting(app, accounting, partial(shown_nodes, live) if settings.filter.partitions else None)
    app.register_api(jobs_blueprint(live, refresher, accounting))
    app.register_api(explain_blueprint(live, refresher, accounting))
    app.register_api(load_blueprint(archive))
    app.register_api(health_blueprint(checks))
    app.register_api(metrics_blueprint(exposition.text))
    if settings.system.serve_index:
        _register_pages(app, settings, frozenset(checks), snapshots)
    error_handlers.register(app)
    observers: list[Observer] = [count_requests(counters.mine)]
    if settings.system.access_log:
        observers.append(log_access)
    # Flask runs handlers of responses in reverse order, so observers see the final response.
    observe(app, observers)
    authenticate = None if authentication is None else authentication.authenticate
    ResponseCacheMiddleware(StoreVersionReader(paths.store).current, _identify(authenticate), observers).install(
        app, LIVE, AVAILABILITY, EXPLAIN
    )
    join_vary(app)
    if settings.system.debug:
        indent_json(app)
    _protect(app, settings, authenticate, None if accounting is None else accounting.coordinators)
    return app


def _empty_app(settings: Settings) -> DescribedApplication:
    """Creates an application without routes, which documents itself below /openapi."""
    auth = settings.auth
    app = DescribedApplication(
        "slurm_rest_api",
        info=Info(
            title="slurm-rest-api",
            version=__version__,
            description="Read-only JSON about a Slurm cluster. Memory is in MiB, times are epoch seconds. An empty"
            " parameter is no filter. Lists may be repeated or have commas. A backslash takes the next character of a"
            " name literally.",
        ),
        security_schemes=security_schemes(auth.mode),
        doc_prefix="/openapi",
        file=Path(__file__).with_name("openapi.json"),
        finish=lambda paths: paths if auth.mode == "none" else secured(paths, auth.mode, auth.open_paths),
        # Refused parameters are a 400. flask-openapi3 documents a 422 with a body of its own otherwise.
        validation_error_status=400,
        validation_error_model=ErrorAnswer,
    )
    app.request_class = ComparingRequest
    return app


def _register_pages(app: OpenAPI, settings: Settings, parts: frozenset[str], snapshots: StoreReader) -> None:
    """Registers the HTML pages. `parts` are the parts of the service that are on."""
    frame = Frame(
        is_demo=settings.system.source_name == "demo",
        login=settings.auth.mode,
        parts=parts,
        refresh_seconds=settings.system.refresh_seconds,
        site=_site(settings.pages),
        cluster=ClusterName(snapshots).current,
    )
    app.register_blueprint(pages_blueprint(lambda: app.api_doc["paths"], frame))


def _site(pages: PagesSettings) -> Site:
    """Returns the face of the pages. A logo that cannot be read since the start is left out, and logged."""
    logo = None
    if (fault := logo_fault(pages.logo)) is not None:
        logger.error("%s The pages have no logo.", fault)
    elif pages.logo is not None:
        logo = read_logo(pages.logo)
    file = None if pages.message_file is None else MessageFile(pages.message_file)
    return Site(
        title=pages.title,
        logo=logo,
        message=(lambda: pages.message or "") if file is None else file.text,
        has_message_file=file is not None,
        links=tuple(Link(entry.name, entry.url) for entry in pages.links),
        clusters=tuple(Cluster(entry.name, entry.url, entry.colour) for entry in pages.clusters),
        racks=tuple((entry.name, expand(entry.nodes)) for entry in pages.racks),
    )


def _register_live(app: OpenAPI, settings: Settings, responder: Responder) -> None:
    """Registers the routes that answer from the snapshot."""
    has_events = settings.system.use_acct_db and settings.database.table_event is not None
    app.register_api(live_blueprint(responder, links_events=has_events, links_history=settings.system.use_acct_db))
    app.register_api(availability_blueprint(responder))


def _register_accounting(app: OpenAPI, accounting: Accounting | None, shown: ShownNodes | None) -> None:
    """Registers the routes that answer from the accounting database alone."""
    app.register_api(accounting_blueprint(accounting))
    app.register_api(job_history_blueprint(accounting))
    app.register_api(reference_blueprint(accounting, shown))
    app.register_api(utilization_blueprint(accounting))


def _most_owners(settings: Settings) -> dict[Owner, int]:
    """Returns the numbers of accounts and users in /metrics."""
    return {"account": settings.system.metrics_accounts, "user": settings.system.metrics_users}


def _check_databases(
    accounting: Accounting | None,
    archive: Archive | None,
    archive_status: Callable[[], ArchiveStatus | None],
    counters: Counters,
) -> dict[str, Check]:
    """Returns the checks of the configured databases, and counts their use in `counters`."""
    checks, circuits = dict[str, Check](), dict[str, Circuit]()
    if accounting is not None:
        database = accounting.database
        checks["accounting"] = accounting_check(database)
        circuits["accounting"] = database.circuit
        database.observe(DatabaseCounts(counters.mine, database.circuit.state().limit))
    if archive is not None:
        circuits["archive"] = archive.reader.circuit
        checks["archive"] = archive_check(archive_status, archive.reader.circuit)
    count_circuits(counters.mine, circuits)
    return checks


def _identify(authenticate: Authenticate | None) -> Identify:
    return no_authentication if authenticate is None else lambda environ: authenticate(credentials_of(environ))


def _protect(
    app: OpenAPI, settings: Settings, authenticate: Authenticate | None, coordinators: Coordinators | None
) -> None:
    """Adds authentication, authorization, CORS and security headers to `app`."""
    if authenticate is not None:
        private = settings.auth.private_data
        coordinated = no_accounts if coordinators is None else coordinators.of
        member_of = no_accounts if coordinators is None else coordinators.member_of
        require_principal(
            app,
            authenticate,
            authorize=lambda principal, path: authorize(principal, path, private),
            scope_for=lambda principal: scope_for(principal, private, coordinated, member_of),
            private_for=lambda principal: () if principal.role == "admin" else private,
            open_paths=settings.auth.open_paths,
            # A proxy with authentication has authenticated the user for pages too.
            pages_are_open=settings.system.serve_index and settings.auth.mode in _BY_TOKEN,
        )
    if settings.system.use_cors:
        CORS(
            app,
            origins=list(settings.system.cors_origins),
            methods=["GET", "HEAD", "OPTIONS"],
            expose_headers=_EXPOSED,
            supports_credentials=False,
            send_wildcard="*" in settings.system.cors_origins,
            max_age=600,
        )
    add_security_headers(app)
