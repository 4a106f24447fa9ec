"""Reads the OpenAPI document from a file of the release, and describes the routes for that file.

Describing all routes takes more processor time than everything else that a worker does before its first response.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
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
    """An application whose OpenAPI document is in `file`. Without a file, its routes are described from their models.

    `finish` changes the paths of the document.
    """

    def __init__(
        self, *args: Any, file: Path | None = None, finish: Callable[[Paths], Paths] = dict, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._described: list[DescribedBlueprint] = []
        self._reading = threading.Lock()
        self._file = file
        self._finish = finish

    def register_api(self, api: APIBlueprint, **options: Any) -> None:
        """Registers the routes of a blueprint."""
        super().register_api(api, **options)
        if isinstance(api, DescribedBlueprint):
            self._described.append(api)

    @property
    def api_doc(self) -> dict[str, Any]:
        """The OpenAPI document of all registered routes."""
        with self._reading:
            if not self.spec_json:
                document = self.describe() if self._file is None else orjson.loads(self._file.read_bytes())
                document["info"] = self.info.model_dump(mode="json", by_alias=True, exclude_unset=True)
                document["components"]["securitySchemes"] = self.security_schemes or {}
                document["paths"] = self._finish(document["paths"])
                self.spec_json = document
            return self.spec_json

    def describe(self) -> dict[str, Any]:
        """Returns the OpenAPI document of all registered routes from their models, for `file`.

        It is the same for each configuration: version and authentication of a service are added to it.
        """
        for blueprint in self._described:
            blueprint.describe()
            self.paths.update(blueprint.paths)
            self.components_schemas.update(blueprint.components_schemas)
            self.tags.extend(tag for tag in blueprint.tags if tag not in self.tags)
        self.spec_json = {}
        document = super().api_doc
        self.spec_json = {}
        del document["info"], document["components"]["securitySchemes"]
        return document
