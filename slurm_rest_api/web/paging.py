"""Paging: opaque cursors, and links to the next page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import orjson
from flask import Response, request

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.error_texts import shown

CursorKey = TypeVar("CursorKey")

_MAX_LINK: Final = 2000
"""Most characters of a link in a header."""


def encode_cursor(key: Any) -> str:
    """Encodes the sort key of a page's last record, any JSON value, as opaque text for a query."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def decode_cursor(text: str, read: Callable[[Any], CursorKey]) -> CursorKey:
    """Decodes the text of `encode_cursor`. `read` turns the JSON value into a key or raises ValueError.

    Raises:
        BadParameter: `text` is not a cursor of this route.
    """
    try:
        return read(orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)))
    except (binascii.Error, ValueError, TypeError, KeyError, IndexError):
        # All errors that an invented text can cause.
        raise BadParameter(
            f"Invalid `cursor`: {shown(text)}. Use the cursor of a response's meta.next unchanged.",
            parameter="cursor",
        ) from None


def next_link(cursor: str) -> str:
    """Returns the link to the page after `cursor`: the current request with another cursor."""
    return link_with({"cursor": cursor, "offset": None})


def link_with(changes: Mapping[str, str | None]) -> str:
    """Returns the current request with changed parameters (None removes one), relative to the server's root.

    Empty parameters are left out. The link includes the path prefix that the reverse proxy removed (SCRIPT_NAME).
    """
    given = request.args.items(multi=True)
    kept = [(key, value) for key, value in given if value and key not in changes and key != "_"]
    added = [(key, value) for key, value in changes.items() if value is not None]
    return f"{request.root_path.rstrip('/')}{request.path}?{urlencode([*kept, *added])}"


def add_link_header(response: Response, link: str) -> None:
    """Adds `Link` with the next page (RFC 8288). A link that a proxy's buffer of headers may not hold is left out.

    `meta.next` has every link. nginx buffers 4 KiB of headers by default (uwsgi_buffer_size).
    """
    if len(link) <= _MAX_LINK:
        response.headers["Link"] = f'<{link}>; rel="next"'


def add_related_link(response: Response, before: str, name: str, after: str = "") -> None:
    """Adds the header `Link` (rel=related) to the route `before`, `name` and `after`, relative to the server's root."""
    root = request.root_path.rstrip("/")
    response.headers.add("Link", f'<{root}{before}{quote(name, safe="")}{after}>; rel="related"')
