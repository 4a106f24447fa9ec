"""Routes of the pages: HTML frames without data, whose scripts use the public API, and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flask import Blueprint, Response, abort, render_template, request

from slurm_rest_api.pages.assets import (
    LIBRARY,
    Asset,
    content_version,
    installed_library,
    library_version,
    modules_of,
    page_files,
)
from slurm_rest_api.pages.registry import PAGES, Page, examples, navigation
from slurm_rest_api.version import __version__
from slurm_rest_api.web.error_texts import shown

# `'self'` covers scripts, styles and requests to the API. The browser makes the pictures of graphs (blob:, data:).
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_A_YEAR: Final = 31_536_000


@dataclass(frozen=True)
class Frame:
    """Facts about this service for the frame of every page.

    `login` is `auth.mode`, `refresh_seconds` that of section `system`.
    """

    is_demo: bool
    login: Literal["none", "token", "jwt", "proxy"]
    parts: frozenset[str]
    refresh_seconds: float
    version: str = __version__


@dataclass(frozen=True)
class Route:
    """A route on the API page. The path is relative, because a proxy may add a prefix."""

    path: str
    summary: str
    explanation: str


def pages_blueprint(paths: Callable[[], Mapping[str, Any]], frame: Frame) -> Blueprint:
    """Returns the blueprint of the pages.

    Args:
        paths: Returns `paths` of the OpenAPI document.
        frame: Facts about this service.
    """
    blueprint = Blueprint("pages", __name__, template_folder="templates")
    version = content_version()
    files = page_files()
    library_file = installed_library()
    library = None if library_file is None else Asset(library_file)
    library_id = library_version(library_file)
    modules = {name: modules_of(f"{page.file}.js") for name, page in PAGES.items()}

    def render(page: Page, root: str) -> Response:
        text = render_template(
            f"pages/{page.file}.html",
            page=page,
            frame=frame,
            # Relative, because a proxy may add a prefix.
            root=root,
            static=f"{root}pages/static/{version}",
            modules=modules[page.name],
            library=f"{root}pages/library/{library_id}/{LIBRARY}" if library_id else "",
            navigation=navigation(frame.parts),
            routes=routes_of(paths()) if page.name == "api" else [],
            examples=examples(frame.parts),
        )
        return Response(text, headers=_HEADERS)

    @blueprint.get("/")
    def home() -> Response:
        """The home page."""
        return render(PAGES["now"], "./")

    @blueprint.get("/pages/<name>")
    def page(name: str) -> Response:
        """Any other page."""
        if name not in PAGES or name == "now":
            abort(404, f"No such page: {shown(name)}. Pages: {', '.join(PAGES)}.")
        return render(PAGES[name], "../")

    @blueprint.get("/pages/static/<wanted>/<file>")
    def static(wanted: str, file: str) -> Response:
        """A file of the pages. Any version is answered, because an open page may be older than an upgrade."""
        if file not in files:
            abort(404, f"No such file of the pages: {shown(file)}.")
        return _asset_response(files[file], version, cacheable=wanted == version)

    @blueprint.get(f"/pages/library/<wanted>/{LIBRARY}")
    def chart_library(wanted: str) -> Response:
        """The chart library."""
        if library is None:
            abort(404, "The package plotly is not installed: `bash build.sh` installs it. Graphs are shown as tables.")
        return _asset_response(library, library_id, cacheable=wanted == library_id)

    return blueprint


def _asset_response(asset: Asset, etag: str, *, cacheable: bool) -> Response:
    zipped = request.accept_encodings.quality("gzip") > 0
    answer = Response(asset.compressed if zipped else asset.body, mimetype=asset.media_type)
    if zipped:
        answer.content_encoding = "gzip"
    answer.vary.add("Accept-Encoding")
    answer.cache_control.public = True
    answer.cache_control.max_age = _A_YEAR if cacheable else 0
    answer.cache_control.immutable = cacheable
    # Weak: the plain and the compressed body are the same file.
    answer.set_etag(etag, weak=True)
    answer.make_conditional(request)
    return answer


# Routes that answer only requests with parameters.
_WITH_PARAMETERS: Final = frozenset(("/jobs",))


def routes_of(paths: Mapping[str, Any]) -> list[Route]:
    """Returns the routes of the OpenAPI document that need no parameter, by name."""
    return [
        Route(path.lstrip("/"), operations["get"].get("summary", ""), operations["get"].get("description", ""))
        for path, operations in sorted(paths.items())
        if "get" in operations and "{" not in path and path not in _WITH_PARAMETERS
    ]
