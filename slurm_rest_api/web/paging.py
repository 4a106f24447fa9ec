"""Pages: opaque cursors, and the links that lead from one page to the next."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import request

from slurm_rest_api.errors import BadParameter

Place = TypeVar("Place")


def encode_cursor(place: Any) -> str:
    """A place in a list, as text for a query; `place` is any JSON value."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def decode_cursor(text: str, read: Callable[[Any], Place]) -> Place:
    """What `encode_cursor` was given; `read` turns the JSON value into a place or raises ValueError.

    Raises:
        BadParameter: `text` is no cursor of this route.
    """
    try:
        return read(orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)))
    except (binascii.Error, ValueError, TypeError, KeyError, IndexError):
        # Every way in which a made-up text can fail to be one of ours.
        raise BadParameter(
            f"cursor={text!r} is not usable: expected the cursor of an answer's meta.next, unchanged.",
            parameter="cursor",
        ) from None


def next_link(cursor: str) -> str:
    """The link to the page at `cursor`: this very request with its place replaced."""
    return link_with({"cursor": cursor, "offset": None})


def link_with(changes: Mapping[str, str | None]) -> str:
    """This very request with some parameters changed, or left out where None; relative to the server's root.

    A path prefix that the web server in front took away (SCRIPT_NAME) is part of it.
    """
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in changes and key != "_"]
    added = [(key, value) for key, value in changes.items() if value is not None]
    return f"{request.root_path.rstrip('/')}{request.path}?{urlencode([*kept, *added])}"


def link_header(link: str) -> str:
    """`Link` for the next page (RFC 8288)."""
    return f'<{link}>; rel="next"'
