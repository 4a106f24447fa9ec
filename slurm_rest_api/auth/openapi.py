"""What the OpenAPI document says about who may ask. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from slurm_rest_api.config.auth import Mode

_BEARER: Final = "bearer"
_SLURM: Final = "slurm_token"


def security_schemes(mode: Mode) -> dict[str, Any]:
    """The ways to prove who asks, by name.

    With `proxy` it is the web server's business, in ways that this service does not know.
    """
    if mode not in ("token", "jwt"):
        return {}
    bearer = {"type": "http", "scheme": "bearer"}
    if mode == "jwt":
        words = "A token of `scontrol token`, or of the identity provider that Slurm trusts."
        bearer["bearerFormat"] = "JWT"
    else:
        words = "A token that `slurm-rest-api token add` has made."
    bearer["description"] = words
    header = {"type": "apiKey", "in": "header", "name": "X-SLURM-USER-TOKEN", "description": words}
    return {_BEARER: bearer, _SLURM: header}


def secured(paths: Mapping[str, Any], mode: Mode, open_paths: Collection[str]) -> dict[str, Any]:
    """`paths` of a document, where each operation that needs it names the schemes, any of which will do."""
    needed: list[dict[str, list[str]]] = [{name: []} for name in security_schemes(mode)]
    return {
        path: {
            method: {**operation, "security": [] if path in open_paths or not needed else needed}
            for method, operation in operations.items()
        }
        for path, operations in paths.items()
    }
