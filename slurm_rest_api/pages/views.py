"""Routes of the pages: HTML frames without data, whose scripts use the public API, and their files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flask import Blueprint, Response, abort, render_template, request

from slurm_rest_api.pages.assets import Asset, content_version, page_files
from slurm_rest_api.pages.registry import MISSING, PAGES, Page, examples, navigation
from slurm_rest_api.pages.site import Logo, Site
from slurm_rest_api.version import __version__
from slurm_rest_api.web.error_texts import nearest, shown

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
# An SVG image may hold scripts, which a browser would run if the image were opened by its own address.
_LOGO_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
_A_YEAR: Final = 31_536_000


@dataclass(frozen=True)
class Frame:
    """Facts about this service for the frame of every page.

    `login` is `auth.mode`, `refresh_seconds` that of section `system`. `cluster` returns the cluster's name, "" if it
    is not known yet.
    """

    is_demo: bool
    login: Literal["none", "token", "jwt", "proxy"]
    parts: frozenset[str]
    refresh_seconds: float
    site: Site
    cluster: Callable[[], str]
    version: str = __version__


@dataclass(frozen=True)
class Route:
    """A route on the API page. The path is relative, because a proxy may add a prefix."""

    path: str
    summary: str
    explanation: str


def pages_blueprint(paths: Callable[[], Mapping[str, Any]], frame: Frame) -> Blueprint:
    """Returns the blueprint of the pages. `paths` returns `paths` of the OpenAPI document."""
    blueprint = Blueprint("pages", __name__, template_folder="templates")
    # Joining the scripts takes a tenth of a worker's start, so the first request for a page does it.
    version = functools.cache(lambda: content_version(page_files()))

    def render(page: Page, root: str, status: int = 200, **more: str) -> Response:
        text = render_template(
            f"pages/{page.file}.html",
            page=page,
            frame=frame,
            **_site_context(frame),
            # Relative, because a proxy may add a prefix.
            root=root,
            static=f"{root}pages/static/{version()}",
            navigation=navigation(frame.parts),
            routes=routes_of(paths()) if page.name == "api" else [],
            examples=examples(frame.parts),
            **more,
        )
        return Response(text, status, headers=_HEADERS)

    def missing(name: str) -> Response:
        text = f"No such page: {shown(name)}.{nearest(name, PAGES)}"
        if request.accept_mimetypes.best_match(("application/json", "text/html")) != "text/html":
            abort(404, f"{text} Pages: {', '.join(PAGES)}.")
        answer = render(MISSING, "../" * (request.path.count("/") - 1), 404, text=text)
        answer.vary.add("Accept")
        return answer

    @blueprint.get("/")
    def home() -> Response:
        """The home page."""
        return render(PAGES["now"], "./")

    @blueprint.get("/pages/<name>")
    def page(name: str) -> Response:
        """Any other page."""
        if name not in PAGES or name == "now":
            return missing(name)
        return render(PAGES[name], "../")

    @blueprint.get("/pages/", defaults={"name": ""})
    @blueprint.get("/pages/<path:name>")
    def no_page(name: str) -> Response:
        """Any address that is no page. A slash too many leads to the page."""
        page_name = name.removesuffix("/")
        if page_name not in PAGES or page_name == "now":
            return missing(name)
        return _moved_up(page_name)

    _add_site(blueprint, frame.site)
    _add_files(blueprint, version)
    return blueprint


def _site_context(frame: Frame) -> dict[str, Any]:
    """Returns the variables of the frame that come from the site and from the cluster."""
    site, cluster = frame.site, frame.cluster()
    return {
        "site": site,
        "cluster": cluster,
        "site_name": site.name(cluster),
        "here": site.here(cluster),
        "message": site.message(),
    }


def _moved_up(name: str) -> Response:
    """Redirects `/pages/<name>/` to `/pages/<name>` with the same query. Relative, because a proxy may add a prefix."""
    query = request.query_string.decode("ascii", "replace")
    return Response(status=308, headers={"Location": f"../{name}{'?' if query else ''}{query}"})


def _add_site(blueprint: Blueprint, site: Site) -> None:
    """Adds the routes of the site's message and logo."""

    @blueprint.get("/pages/message")
    def message() -> Response:
        """The message of the site. Open pages poll it."""
        return Response(site.message(), mimetype="text/plain", headers={"Cache-Control": "no-cache"})

    @blueprint.get("/pages/logo")
    def logo() -> Response:
        """The logo of the site."""
        if site.logo is None:
            abort(404, "The site has no logo (`pages.logo`).")
        return _logo_response(site.logo)


def _add_files(blueprint: Blueprint, version: Callable[[], str]) -> None:
    """Adds the route of the files of the pages. `version` returns that of their addresses."""

    @blueprint.get("/pages/static/<wanted>/<file>")
    def static(wanted: str, file: str) -> Response:
        """A file of the pages. Any version is answered, because an open page may be older than an upgrade."""
        if file not in page_files():
            abort(404, f"No such file of the pages: {shown(file)}.")
        return _asset_response(page_files()[file], version(), cacheable=wanted == version())


def _logo_response(logo: Logo) -> Response:
    answer = Response(logo.body, mimetype=logo.media_type, headers=_LOGO_HEADERS)
    answer.cache_control.public = True
    answer.cache_control.no_cache = True
    answer.add_etag()
    answer.make_conditional(request)
    return answer


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
