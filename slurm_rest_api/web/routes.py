"""Helpers for blueprints: routes that a setting turns off, and routes that also answer as a CSV file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.errors import NotFound
from slurm_rest_api.web.parameters import Query, as_csv

Part = TypeVar("Part")


def require(part: Part | None, name: str, setting: str) -> Part:
    """Returns `part`, the service's part called `name`, if it is turned on.

    Raises:
        NotFound: `part` is None, because `setting` is off.
    """
    if part is None:
        raise NotFound(f"{name} is turned off: `{setting}` is false. An administrator can set it to true.")
    return part


def add_csv_route(blueprint: APIBlueprint, path: str, view: Callable[[Query], Response]) -> None:
    """Registers `view` with `format=csv` at `path` with the ending .csv. OpenAPI describes only `path` itself."""

    # flask-openapi3 reads the query model from the annotations of `view`. It stores the registered route in the
    # `__dict__` of a view, which must not be copied.
    @functools.wraps(view, updated=())
    def csv_view(query: Query) -> Response:
        return view(as_csv(query))

    blueprint.get(f"{path}.csv", doc_ui=False, endpoint=f"{view.__name__}_csv")(csv_view)
