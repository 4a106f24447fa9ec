"""The route of the load archive: /load."""

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
from slurm_rest_api.archive.projection import Projection, project, project_for_rollup, projection_of
from slurm_rest_api.archive.reader import ArchiveReader, ComputedSample, StoredSample
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.tables import read, unpack
from slurm_rest_api.archive.time_range import Retention, TimeRange, time_range_of
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.paging import link_with
from slurm_rest_api.web.record_stream import listing, rendered_listing
from slurm_rest_api.web.routes import add_csv_route, create_blueprint, require
from slurm_rest_api.web.text_formats import flat


@dataclass(frozen=True)
class Archive:
    """Parts of /load. Partitions in `hidden` are left out of old samples, too. `source` is published in `meta`."""

    reader: ArchiveReader
    retention: Retention
    hidden: frozenset[str]
    source: str


def load_blueprint(archive: Archive | None) -> APIBlueprint:
    """Creates the blueprint of /load. With None it answers 404 and names `system.archive_usage_load`."""
    blueprint = create_blueprint(
        "archive",
        __name__,
        Tag(name="load", description="The cluster's load over time, from the archive of samples."),
        "400",
        "404",
        "503",
    )

    @blueprint.get("/load", summary="Load samples", responses={"200": LoadAnswer})
    def load(query: LoadParameters) -> Response:
        """Samples of the cluster's load, oldest first. Without a time range: the newest sample only."""
        return _answer(require(archive, "The load archive", "system.archive_usage_load"), query)

    add_csv_route(blueprint, "/load", load)
    return blueprint


def _answer(archive: Archive, query: LoadParameters) -> Response:
    time_range = time_range_of(query, archive.retention, int(time.time()))
    projection = projection_of(query.fields, query.partition, archive.hidden, jobs=not current_scope().hides("jobs"))
    found = _found(archive.reader, time_range, projection, archive.retention.max_samples + 1)
    meta = _meta(archive, time_range, [part.time for part in found])
    shown = found[: archive.retention.max_samples]
    if query.format == "json":
        return rendered_listing((_rendered(part, projection) for part in shown), meta)
    samples = [project(_sample(part), projection) for part in shown]
    if query.format != "ndjson":
        samples = [flat(sample) for sample in samples]
    columns = dict.fromkeys(field for sample in samples for field in sample)
    return listing(samples, list(columns), query.format, meta)


def _found(
    reader: ArchiveReader, time_range: TimeRange, projection: Projection, max_samples: int
) -> Sequence[StoredSample | ComputedSample]:
    if time_range.step == 0:
        return reader.samples(time_range, max_samples)
    return reader.steps(time_range, max_samples, lambda sample: project_for_rollup(sample, projection))


def _rendered(part: StoredSample | ComputedSample, projection: Projection) -> bytes:
    """Returns the JSON of a sample. A stored sample that is shown whole, the usual case, is not parsed."""
    if isinstance(part, StoredSample) and projection.is_whole:
        body = unpack(part.body)
        if not projection.may_hide(body):
            return body
        return orjson.dumps(project(orjson.loads(body), projection))
    return orjson.dumps(project(_sample(part), projection))


def _sample(part: StoredSample | ComputedSample) -> Sample:
    return part.sample if isinstance(part, ComputedSample) else read(part.body)


def _meta(archive: Archive, time_range: TimeRange, times: list[int]) -> dict[str, Any]:
    max_samples = archive.retention.max_samples
    truncated = len(times) > max_samples
    return {
        "source": archive.source,
        "since": time_range.since,
        "until": time_range.until,
        "step": time_range.step,
        "count": min(len(times), max_samples),
        "next": _onward(time_range, times[max_samples]) if truncated else None,
        "truncated": truncated,
    }


def _onward(time_range: TimeRange, since: int) -> str:
    """Returns the link to the same query from `since` on, with its step: a shorter range could get another one."""
    step = {"step": str(time_range.step)} if time_range.step else {}
    return link_with({"since": str(since), "until": str(time_range.until), "time": None, "offset": None, **step})
