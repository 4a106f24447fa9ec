"""Headers that tell browsers what they may do with an answer."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# The OpenAPI page starts itself with a script in the page.
_PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


def add_security_headers(app: Flask) -> None:
    """Have `app` send them with every answer; a page that sets one itself keeps it."""

    @app.after_request
    def add(response: Response) -> Response:
        policy = _PAGE_POLICY if response.mimetype == "text/html" else _DATA_POLICY
        wanted = {**_ALWAYS, "Content-Security-Policy": policy}
        present = {name.lower() for name, _ in response.headers}
        # One by one they would be looked for among all others, which is a tenth of a short answer's time.
        response.headers.extend({name: value for name, value in wanted.items() if name.lower() not in present})
        return response
