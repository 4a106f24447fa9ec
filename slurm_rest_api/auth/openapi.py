"""Describes authentication in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from slurm_rest_api.config.auth import Mode

_BEARER: Final = "bearer"
_SLURM: Final = "slurm_token"


def security_schemes(mode: Mode) -> dict[str, Any]:
    """Returns OpenAPI's security schemes by name.

    There are none with `proxy`: the reverse proxy authenticates, and this service does not know by which scheme.
    """
    if mode not in ("token", "jwt"):
        return {}
    bearer = {"type": "http", "scheme": "bearer"}
    if mode == "jwt":
        description = "A token from `scontrol token`, or from the identity provider that Slurm trusts."
        bearer["bearerFormat"] = "JWT"
    else:
        description = "A token from `slurm-rest-api token add`."
    bearer["description"] = description
    header = {"type": "apiKey", "in": "header", "name": "X-SLURM-USER-TOKEN", "description": description}
    return {_BEARER: bearer, _SLURM: header}


def secured(paths: Mapping[str, Any], mode: Mode, open_paths: Collection[str]) -> dict[str, Any]:
    """Returns OpenAPI's `paths` with the security schemes of each operation. Any one of them is enough."""
    needed: list[dict[str, list[str]]] = [{name: []} for name in security_schemes(mode)]
    return {
        path: {
            method: {**operation, "security": [] if path in open_paths or not needed else needed}
            for method, operation in operations.items()
        }
        for path, operations in paths.items()
    }
