"""Authenticates and authorizes each request, and keeps private responses out of shared caches."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Flask, Response, g, request
from werkzeug.datastructures import Authorization

from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Authorize = Callable[[Principal, str], None]
"""Raises Forbidden if a principal may not read a path."""

ScopeFor = Callable[[Principal], DataScope]
"""Returns the data scope of a principal. It may query the accounting database, so it is called on demand."""

# The last two are the interactive API reference.
_PAGES: Final = {"pages", "openapi", "swagger"}

_IDENTIFYING: Final = ("Authorization", "Cookie", "X-SLURM-USER-NAME", "X-SLURM-USER-TOKEN")


def require_principal(
    app: Flask,
    authenticate: Authenticate,
    *,
    authorize: Authorize,
    scope_for: ScopeFor,
    private_for: Callable[[Principal], Collection[str]],
    open_paths: Collection[str],
    pages_are_open: bool,
) -> None:
    """Requires a principal that `authorize` accepts for each request to `app`, except on `open_paths`.

    Routes read the data scope from `current_scope()`, which calls `scope_for`. `private_for` returns the words of
    PrivateData that apply to a principal. Responses name them, so that pages can say what is hidden.

    The check runs before routing errors: a path that does not exist is refused like any other. Pages hold no data.
    With `pages_are_open` they and the API reference need no principal, because users enter their token on the page.
    """

    def is_open() -> bool:
        return request.path in open_paths or (pages_are_open and request.blueprint in _PAGES)

    @app.before_request
    def check() -> None:
        # A browser's preflight cannot carry credentials, and its response has no data.
        if request.method == "OPTIONS" or is_open():
            return
        g.principal = principal = authenticate(credentials_of(request.environ))
        authorize(principal, request.path)
        g.scope_for = scope_for

    @app.after_request
    def keep_private(response: Response) -> Response:
        if not is_open():
            control = response.cache_control
            control.public = False
            control.private = True
            response.vary.update(_IDENTIFYING)
        if (name := principal_name()) is not None:
            # Names may have characters that a header cannot carry.
            response.headers["X-Authenticated-User"] = quote(name, safe="@+ ")
            if hidden := private_for(g.principal):
                response.headers["X-Private-Data"] = ", ".join(hidden)
        return response


def principal_name() -> str | None:
    """Returns the name of the current request's principal, None without authentication."""
    principal: Any = g.get("principal")
    return principal.name if isinstance(principal, Principal) else None


def current_scope() -> DataScope:
    """Returns the data scope of the current request, which is everything without authentication."""
    if "scope" not in g:
        g.scope = g.scope_for(g.principal) if "scope_for" in g else EVERYTHING
    scope: DataScope = g.scope
    return scope


def credentials_of(environ: WSGIEnvironment) -> Credentials:
    """Reads the credentials of the request in a WSGI `environ`."""
    authorization = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
    bearer = authorization.token if authorization is not None and authorization.type == "bearer" else None
    return Credentials(
        token=bearer or environ.get("HTTP_X_SLURM_USER_TOKEN"),
        claimed_user=environ.get("HTTP_X_SLURM_USER_NAME"),
        # A variable of the server: the header Remote-User of a client arrives as HTTP_REMOTE_USER.
        remote_user=environ.get("REMOTE_USER"),
    )
