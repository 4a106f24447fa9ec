"""Describes the routes in the OpenAPI document once a client asks for it.

Describing all routes takes more processor time than everything else that a worker does before its first response.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask_openapi3 import APIBlueprint, OpenAPI
from flask_openapi3.types import ParametersTuple
from flask_openapi3.utils import parse_parameters

Paths = dict[str, Any]
"""`paths` of an OpenAPI document."""


class DescribedBlueprint(APIBlueprint):
    """A blueprint that describes its routes later than it registers them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._not_described: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    def _collect_openapi_info(self, rule: str, func: Callable[..., Any], **route: Any) -> ParametersTuple:
        """Keeps the route for `describe`. Returns the models of its parameters, by which requests are checked."""
        self._not_described.append((rule, func, route))
        return parse_parameters(func, doc_ui=False)

    def describe(self) -> None:
        """Describes the routes that have been registered since the last call."""
        while self._not_described:
            rule, func, route = self._not_described.pop(0)
            super()._collect_openapi_info(rule, func, **route)


class DescribedApplication(OpenAPI):
    """An application that describes its routes when its OpenAPI document is read. `finish` changes the paths of it."""

    def __init__(self, *args: Any, finish: Callable[[Paths], Paths] = dict, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._described: list[DescribedBlueprint] = []
        self._describing = threading.Lock()
        self._finish = finish

    def register_api(self, api: APIBlueprint, **options: Any) -> None:
        """Registers the routes of a blueprint."""
        super().register_api(api, **options)
        if isinstance(api, DescribedBlueprint):
            self._described.append(api)

    @property
    def api_doc(self) -> dict[str, Any]:
        """The OpenAPI document of all registered routes."""
        with self._describing:
            if not self.spec_json:
                for blueprint in self._described:
                    blueprint.describe()
                    self.paths.update(blueprint.paths)
                    self.components_schemas.update(blueprint.components_schemas)
                    self.tags.extend(tag for tag in blueprint.tags if tag not in self.tags)
                document = super().api_doc
                document["paths"] = self._finish(document["paths"])
            return super().api_doc
