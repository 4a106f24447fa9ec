"""Asks for a name before anything is answered, and keeps what is answered out of shared caches."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Flask, Response, g, request
from werkzeug.datastructures import Authorization

from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal
from slurm_rest_api.errors import Forbidden

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Authorize = Callable[[Principal, str], bool]
"""Whether a principal may ask for a path."""

# The interactive reference is two of them.
_PAGES: Final = {"pages", "openapi", "swagger"}
ScopeFor = Callable[[Principal], DataScope]
"""What a principal sees; it may ask the accounting database, so it is called only by who wants to know."""

_IDENTIFYING: Final = ("Authorization", "Cookie", "X-SLURM-USER-NAME", "X-SLURM-USER-TOKEN")


def require_principal(
    app: Flask,
    authenticate: Authenticate,
    *,
    is_allowed: Authorize,
    scope_for: ScopeFor,
    open_paths: Collection[str],
    pages_are_open: bool,
) -> None:
    """Have `app` answer nobody but those whom `authenticate` knows and `is_allowed` lets, except on `open_paths`.

    What is answered is what `scope_for` leaves: routes get it from `present_sight()`.

    This comes before routing takes effect: a path that does not exist is refused like any other. Pages have no data;
    they need no name where the reader gives it on the page itself, and neither does the reference that they link to.
    """

    def is_open() -> bool:
        return request.path in open_paths or (pages_are_open and request.blueprint in _PAGES)

    @app.before_request
    def check() -> None:
        # A browser's preflight cannot bring credentials, and gets no data.
        if request.method == "OPTIONS" or is_open():
            return
        g.principal = principal = authenticate(credentials_of(request.environ))
        if not is_allowed(principal, request.path):
            raise Forbidden("This is not for you to see here.")
        g.scope_for = scope_for

    @app.after_request
    def keep_private(response: Response) -> Response:
        if not is_open():
            control = response.cache_control
            control.public = False
            control.private = True
            response.vary.update(_IDENTIFYING)
        if (name := principal_name()) is not None:
            # Names may have characters that headers cannot.
            response.headers["X-Authenticated-User"] = quote(name, safe="@+ ")
        return response


def principal_name() -> str | None:
    """Who sends the present request; None where nobody was asked for a name."""
    principal: Any = g.get("principal")
    return principal.name if isinstance(principal, Principal) else None


def current_scope() -> DataScope:
    """What whoever sends the present request sees; everything where nobody was asked for a name."""
    if "scope" not in g:
        g.scope = g.scope_for(g.principal) if "scope_for" in g else EVERYTHING
    scope: DataScope = g.scope
    return scope


def credentials_of(environ: WSGIEnvironment) -> Credentials:
    """What the request of a WSGI `environ` says about who sends it."""
    authorization = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
    bearer = authorization.token if authorization is not None and authorization.type == "bearer" else None
    return Credentials(
        token=bearer or environ.get("HTTP_X_SLURM_USER_TOKEN"),
        claimed_user=environ.get("HTTP_X_SLURM_USER_NAME"),
        # Not a header: what a client sends as Remote-User arrives as HTTP_REMOTE_USER.
        remote_user=environ.get("REMOTE_USER"),
    )
