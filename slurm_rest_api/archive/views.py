"""The route over the load archive: /load."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.archive.answers import LoadAnswer
from slurm_rest_api.archive.parameters import LoadParameters
from slurm_rest_api.archive.reader import ArchiveReader
from slurm_rest_api.archive.shaping import Shape, shape_of, shaped
from slurm_rest_api.archive.tables import unpacker
from slurm_rest_api.archive.window import Archived, Window, window_of
from slurm_rest_api.errors import NotFound
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.listing import listing, rendered_listing
from slurm_rest_api.web.paging import link_with


@dataclass(frozen=True)
class Archive:
    """What answers: `hidden` partitions do not show, for the past either; `source` is for `meta`."""

    reader: ArchiveReader
    archived: Archived
    hidden: frozenset[str]
    source: str


def load_blueprint(archive: Archive | None) -> APIBlueprint:
    """The blueprint of /load; None: nothing is archived, and the route is a 404 that says so."""
    blueprint = APIBlueprint(
        "archive",
        __name__,
        abp_tags=[Tag(name="load", description="The cluster's load over time, from the archive of samples.")],
        abp_responses=dict.fromkeys(("400", "404", "503"), ErrorAnswer),
    )

    @blueprint.get("/load", summary="Load samples", responses={"200": LoadAnswer})
    def load(query: LoadParameters) -> Response:
        """Samples of the cluster's load, oldest first; the newest one alone unless a range is asked for."""
        if archive is None:
            raise NotFound(
                "This service keeps no archive of the load. Its administrator turns it on with"
                " system.archive_usage_load in the configuration."
            )
        return _answer(archive, query)

    return blueprint


def _answer(archive: Archive, query: LoadParameters) -> Response:
    window = window_of(query, archive.archived, int(time.time()))
    shape = shape_of(query.fields, query.partition, archive.hidden)
    most = archive.archived.most
    # One more than an answer may have tells whether there are more.
    stored = archive.reader.samples(window, most + 1)
    meta = _meta(archive, window, [row.time for row in stored])
    bodies = map(unpacker(), (row.body for row in stored[:most]))
    if shape.is_whole and query.format == "json":
        return rendered_listing((_visible(body, shape) if shape.may_hide(body) else body for body in bodies), meta)
    shown = [shaped(orjson.loads(body), shape) for body in bodies]
    columns = dict.fromkeys(field for sample in shown for field in sample)
    return listing(shown, list(columns), query.format, meta)


def _visible(body: bytes, shape: Shape) -> bytes:
    return orjson.dumps(shaped(orjson.loads(body), shape))


def _meta(archive: Archive, window: Window, times: list[int]) -> dict[str, Any]:
    most = archive.archived.most
    truncated = len(times) > most
    onward = {"since": str(times[most]), "until": str(window.until), "time": None, "offset": None} if truncated else {}
    return {
        "source": archive.source,
        "since": window.since,
        "until": window.until,
        "step": window.step,
        "count": min(len(times), most),
        "next": link_with(onward) if truncated else None,
        "truncated": truncated,
    }
