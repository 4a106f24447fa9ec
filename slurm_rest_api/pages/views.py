"""The pages: HTML frames without data, whose scripts ask the public API, and the files that they load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flask import Blueprint, Response, abort, render_template, request, send_from_directory

from slurm_rest_api.pages.assets import LIBRARY, STATIC, ChartLibrary, edition_of, installed_library, modules_of
from slurm_rest_api.pages.registry import PAGES, Page, examples, navigation
from slurm_rest_api.version import __version__

# All that the pages need; `'self'` covers scripts, styles and the routes that they ask. Pictures of graphs are made in
# the browser (blob:, data:).
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
    """What the frame of every page says about this service. `login` is `auth.mode`."""

    is_demo: bool
    login: Literal["none", "token", "jwt", "proxy"]
    parts: frozenset[str]
    version: str = __version__


@dataclass(frozen=True)
class Route:
    """A route as the API page lists it. The path is relative: the page may lie behind a prefix."""

    path: str
    summary: str
    explanation: str


def pages_blueprint(paths: Callable[[], Mapping[str, Any]], frame: Frame) -> Blueprint:
    """The blueprint of the pages.

    Args:
        paths: Gives the `paths` of the OpenAPI document.
        frame: What every page says about this service.
    """
    blueprint = Blueprint("pages", __name__, template_folder="templates")
    edition = edition_of()
    library = installed_library()
    modules = {name: modules_of(f"{page.file}.js") for name, page in PAGES.items()}

    def render(page: Page, root: str) -> Response:
        text = render_template(
            f"pages/{page.file}.html",
            page=page,
            frame=frame,
            # Relative, because a proxy may have put the service anywhere.
            root=root,
            static=f"{root}pages/static/{edition}",
            modules=modules[page.name],
            library=f"{root}pages/library/{library.edition}/{LIBRARY}" if library.edition else "",
            navigation=navigation(frame.parts),
            routes=routes_of(paths()) if page.name == "api" else [],
            examples=examples(frame.parts),
        )
        return Response(text, headers=_HEADERS)

    @blueprint.get("/")
    def now() -> Response:
        """The home page."""
        return render(PAGES["now"], "./")

    @blueprint.get("/pages/<name>")
    def page(name: str) -> Response:
        """Any other page."""
        if name not in PAGES or name == "now":
            abort(404, f"There is no page {name!r}. There are: {', '.join(PAGES)}.")
        return render(PAGES[name], "../")

    @blueprint.get("/pages/static/<wanted>/<path:file>")
    def static(wanted: str, file: str) -> Response:
        """A file of the pages. One of another edition is sent too, as a page may be older than an upgrade."""
        answer = send_from_directory(STATIC, file, max_age=_A_YEAR if wanted == edition else 0)
        if wanted == edition:
            answer.cache_control.immutable = True
        return answer

    @blueprint.get(f"/pages/library/<wanted>/{LIBRARY}")
    def chart_library(wanted: str) -> Response:
        """The script that draws graphs, kept like the files of the pages."""
        return _library_answer(library, may_keep=wanted == library.edition)

    return blueprint


def _library_answer(library: ChartLibrary, *, may_keep: bool) -> Response:
    zipped = request.accept_encodings.quality("gzip") > 0
    body = library.compressed if zipped else library.body
    if body is None:
        abort(404, "The package plotly is not installed; graphs are shown as tables. `bash build.sh` installs it.")
    answer = Response(body, mimetype="text/javascript")
    if zipped:
        answer.content_encoding = "gzip"
    answer.vary.add("Accept-Encoding")
    answer.cache_control.max_age = _A_YEAR if may_keep else 0
    answer.cache_control.immutable = may_keep
    # Weak, as it is the same script whether compressed or not.
    answer.set_etag(library.edition, weak=True)
    answer.make_conditional(request)
    return answer


def routes_of(paths: Mapping[str, Any]) -> list[Route]:
    """The routes of the OpenAPI document that can be asked without knowing anything else, by name."""
    return [
        Route(path.lstrip("/"), operations["get"].get("summary", ""), operations["get"].get("description", ""))
        for path, operations in sorted(paths.items())
        if "get" in operations and "{" not in path
    ]
