"""Creates blueprints, and helps with routes that a setting turns off or that also answer as a CSV file."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final, TypeVar

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.errors import NotFound
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.openapi_document import DescribedBlueprint
from slurm_rest_api.web.parameters import Query, as_csv

Part = TypeVar("Part")

LIVE_TAG: Final = Tag(name="live", description="The state of the cluster now, from slurmctld.")
HEALTH_TAG: Final = Tag(name="health", description="For monitoring.")


def create_blueprint(name: str, import_name: str, tag: Tag, *error_statuses: str) -> APIBlueprint:
    """Creates a blueprint with operation ids made from paths, and with the documented statuses of its errors."""
    return DescribedBlueprint(
        name,
        import_name,
        abp_tags=[tag],
        abp_responses=dict.fromkeys(error_statuses, ErrorAnswer),
        operation_id_callback=_operation_id,
    )


def _operation_id(*, name: str, path: str, method: str) -> str:
    """Returns the name that generated clients give a route, such as `get_queue_by_jobid` for `/queue/<jobid>`."""
    return "_".join([method.lower(), *re.findall(r"\w+", re.sub(r"<(?:\w+:)?(\w+)>", r"by_\1", path))])


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
