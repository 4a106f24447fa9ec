"""The home page: which routes there are, and how each answers when the reader's browser asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, render_template

from slurm_rest_api.version import __version__

# All that the pages need; `'self'` covers scripts, styles and the routes that they ask.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Route:
    """A route as the home page lists it. The path is relative: the page may lie behind a prefix."""

    path: str
    summary: str
    explanation: str


def pages_blueprint(paths: Callable[[], Mapping[str, Any]], source: str) -> Blueprint:
    """The blueprint of the pages.

    Args:
        paths: Gives the `paths` of the OpenAPI document.
        source: What `system.source` is, without options.
    """
    blueprint = Blueprint(
        "pages", __name__, static_folder="static", static_url_path="/pages", template_folder="templates"
    )

    @blueprint.get("/")
    def index() -> Response:
        """The home page."""
        page = render_template(
            "pages/index.html", routes=routes_of(paths()), version=__version__, is_demo=source == "demo"
        )
        return Response(page, headers=_HEADERS)

    return blueprint


def routes_of(paths: Mapping[str, Any]) -> list[Route]:
    """The routes of the OpenAPI document that can be asked without knowing anything else, by name."""
    return [
        Route(path.lstrip("/"), operations["get"].get("summary", ""), operations["get"].get("description", ""))
        for path, operations in sorted(paths.items())
        if "get" in operations and "{" not in path
    ]
