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
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.shaping import Shape, flat, shape_of, shaped
from slurm_rest_api.archive.tables import read, unpack
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
    if window.step == 0 and shape.is_whole and query.format == "json":
        return _as_stored(archive, window, shape)
    samples = _samples(archive, window)
    meta = _meta(archive, window, [sample["time"] for sample in samples])
    shown = [shaped(sample, shape) for sample in samples[: archive.archived.most]]
    if query.format == "csv":
        shown = [flat(sample) for sample in shown]
    columns = dict.fromkeys(field for sample in shown for field in sample)
    return listing(shown, list(columns), query.format, meta)


def _samples(archive: Archive, window: Window) -> list[Sample]:
    """One more than an answer may have, to tell whether there are more."""
    most = archive.archived.most + 1
    if window.step == 0:
        return [read(row.body) for row in archive.reader.samples(window, most)]
    return [part.sample for part in archive.reader.steps(window, most)]


def _as_stored(archive: Archive, window: Window, shape: Shape) -> Response:
    """The usual answer: samples as they lie in the archive, and none of them parsed that has nothing to hide."""
    rows = archive.reader.samples(window, archive.archived.most + 1)
    meta = _meta(archive, window, [row.time for row in rows])
    bodies = (unpack(row.body) for row in rows[: archive.archived.most])
    return rendered_listing((_visible(body, shape) if shape.may_hide(body) else body for body in bodies), meta)


def _visible(body: bytes, shape: Shape) -> bytes:
    return orjson.dumps(shaped(orjson.loads(body), shape))


def _meta(archive: Archive, window: Window, times: list[int]) -> dict[str, Any]:
    most = archive.archived.most
    truncated = len(times) > most
    return {
        "source": archive.source,
        "since": window.since,
        "until": window.until,
        "step": window.step,
        "count": min(len(times), most),
        "next": _onward(window, times[most]) if truncated else None,
        "truncated": truncated,
    }


def _onward(window: Window, since: int) -> str:
    """The same question from `since` on: the step is named, as a shorter range might get another one."""
    step = {"step": str(window.step)} if window.step else {}
    return link_with({"since": str(since), "until": str(window.until), "time": None, "offset": None, **step})
