"""Imports the load archive of the 2018 service: a TinyDB file, one JSON object of up to gigabytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeGuard

import ijson

from slurm_rest_api.archive.sample import Sample, slot_of
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.errors import ArchiveError

_TABLE: Final = "_default"
_BATCH: Final = 500
# The first second of 2000. Earlier times are errors.
_EARLIEST: Final = 946684800
_FIGURES: Final = ("total_load", "total_cpus", "total_mem", "alloc_cpus", "alloc_mem")
_PARTITION_FIGURES: Final = (
    "alloc_cpus",
    "alloc_mem",
    "total_cpus",
    "total_mem",
    "total_nodes",
    "total_used_cpus_on_active_nodes",
    "total_used_mem_on_active_nodes",
    "partition_load",
)

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call."""


@dataclass
class ImportReport:
    """Result of an import: how many documents were stored, and why others were skipped."""

    stored: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    damage: str | None = None


def describe(report: ImportReport) -> str:
    """Formats the report, one sentence a line."""
    lines = [f"Stored {report.stored} samples."]
    if report.first is not None and report.last is not None:
        first, last = (
            datetime.fromtimestamp(second).astimezone().isoformat() for second in (report.first, report.last)
        )
        lines.append(f"The samples in the file are from {first} to {last}.")
    lines += [f"Skipped {count}: {reason}." for reason, count in report.skipped.most_common()]
    if report.damage is not None:
        lines.append(report.damage)
    if not (report.stored or report.skipped):
        lines.append("The file has no samples. Use the TinyDB file of the 2018 service.")
    return "\n".join(lines)


class _Unusable(Exception):
    """A document is not a sample. `str()` is the reason."""


def import_tinydb(file: Path, store: ArchiveWriter, width: int, now: int, progress: Progress) -> ImportReport:
    """Stores the samples of a TinyDB file in slots of `width` seconds.

    An interrupted import can be started again: slots that already have a sample keep it.

    Raises:
        ArchiveError: the file cannot be read, is not a TinyDB file, or the archive cannot be written.
    """
    report = ImportReport()
    batch: dict[int, Sample] = {}
    try:
        with file.open("rb") as source:
            for document in _documents(source, report, progress):
                try:
                    sample = _sample(document, width, now)
                except _Unusable as reason:
                    report.skipped[str(reason)] += 1
                    continue
                if sample["time"] in batch:
                    report.skipped["an earlier sample in the file has the same slot"] += 1
                    continue
                batch[sample["time"]] = sample
                if len(batch) >= _BATCH:
                    _store(store, batch, report)
    except OSError as error:
        raise ArchiveError(f"The file {file} cannot be read: {error.strerror}.") from error
    _store(store, batch, report)
    return report


def _documents(source: BinaryIO, report: ImportReport, progress: Progress) -> Iterator[Any]:
    """Yields the documents of `{"_default": {"1": {…}, "2": {…}}}` in order, up to the first damaged byte."""
    reported = 0
    try:
        for _, document in ijson.kvitems(source, _TABLE, use_float=True):
            yield document
            progress(source.tell() - reported)
            reported = source.tell()
    except ijson.JSONError as error:
        report.damage = (
            f"The file is damaged at about byte {source.tell()} ({error}). Samples before that were imported."
        )


def _sample(document: Any, width: int, now: int) -> Sample:
    """Converts a document to the sample of its slot. Unknown fields are dropped."""
    if not isinstance(document, dict):
        raise _Unusable("it is not an object")
    moment = document.get("time")
    if not _is_number(moment) or not _EARLIEST <= moment <= now:
        raise _Unusable("its time is missing, before the year 2000 or in the future")
    partitions = document.get("partitions")
    if not isinstance(partitions, dict):
        raise _Unusable("it has no partitions")
    return {
        "time": slot_of(moment, width),
        **_numbers(document, _FIGURES),
        "partitions": {
            name: {**_numbers(figures, _PARTITION_FIGURES), "state": _text(figures.get("state"))}
            for name, figures in partitions.items()
            if isinstance(figures, dict)
        },
    }


def _numbers(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    missing = [name for name in names if not _is_number(record.get(name))]
    if missing:
        raise _Unusable(f"it has no number in {', '.join(missing)}")
    return {name: record[name] for name in names}


def _is_number(value: object) -> TypeGuard[int | float]:
    # Python's json.dump writes NaN and Infinity, which the parser (yajl) rejects.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _store(store: ArchiveWriter, batch: dict[int, Sample], report: ImportReport) -> None:
    if not batch:
        return
    stored = store.add_past(list(batch.values()))
    report.stored += stored
    if occupied := len(batch) - stored:
        report.skipped["its slot already has a sample"] += occupied
    store.rebuild(batch)
    first, last = min(batch), max(batch)
    report.first = first if report.first is None else min(report.first, first)
    report.last = last if report.last is None else max(report.last, last)
    batch.clear()
