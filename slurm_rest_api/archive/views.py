"""The route over the load archive: /load."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.archive.contract import LoadAnswer
from slurm_rest_api.archive.parameters import LoadParameters
from slurm_rest_api.archive.projection import Projection, needed, shape_of, shaped
from slurm_rest_api.archive.reader import ArchiveReader, ComputedSample, StoredSample
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.tables import read, unpack
from slurm_rest_api.archive.time_range import Retention, Window, window_of
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.paging import link_with
from slurm_rest_api.web.record_stream import listing, rendered_listing
from slurm_rest_api.web.routes import add_csv_route, require
from slurm_rest_api.web.text_formats import flat


@dataclass(frozen=True)
class Archive:
    """What answers: `hidden` partitions do not show, for the past either; `source` is for `meta`."""

    reader: ArchiveReader
    archived: Retention
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
        return _answer(require(archive, "The load archive", "system.archive_usage_load"), query)

    add_csv_route(blueprint, "/load", load)
    return blueprint


def _answer(archive: Archive, query: LoadParameters) -> Response:
    window = window_of(query, archive.archived, int(time.time()))
    shape = shape_of(query.fields, query.partition, archive.hidden, jobs=not current_scope().hides("jobs"))
    found = _found(archive.reader, window, shape, archive.archived.most + 1)
    meta = _meta(archive, window, [part.time for part in found])
    shown = found[: archive.archived.most]
    if query.format == "json":
        return rendered_listing((_rendered(part, shape) for part in shown), meta)
    samples = [shaped(_sample(part), shape) for part in shown]
    if query.format != "ndjson":
        samples = [flat(sample) for sample in samples]
    columns = dict.fromkeys(field for sample in samples for field in sample)
    return listing(samples, list(columns), query.format, meta)


def _found(
    reader: ArchiveReader, window: Window, shape: Projection, most: int
) -> Sequence[StoredSample | ComputedSample]:
    if window.step == 0:
        return reader.samples(window, most)
    return reader.steps(window, most, lambda sample: needed(sample, shape))


def _rendered(part: StoredSample | ComputedSample, shape: Projection) -> bytes:
    """A sample that lies in the archive as it is to be shown, which is the usual case, is not even parsed."""
    if isinstance(part, StoredSample) and shape.is_whole:
        body = unpack(part.body)
        if not shape.may_hide(body):
            return body
        return orjson.dumps(shaped(orjson.loads(body), shape))
    return orjson.dumps(shaped(_sample(part), shape))


def _sample(part: StoredSample | ComputedSample) -> Sample:
    return part.sample if isinstance(part, ComputedSample) else read(part.body)


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
