"""Keeps texts of jobs in a temporary file until all jobs of a load were seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Final, NamedTuple

_MEMORY: Final = 8 * 2**20
"""Bytes that stay in memory. The rest goes to a file without a name."""


class HeldJob(NamedTuple):
    """One text by its position in the file. `job_id` is None if the text does not start with a job id."""

    job_id: int | None
    offset: int
    length: int


class HeldJobs:
    """Texts in the order in which they were added. A context manager that closes the file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115
        self._end = 0
        self._jobs: list[HeldJob] = []

    def __enter__(self) -> HeldJobs:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[HeldJob]:
        return iter(self._jobs)

    def add(self, job_id: int | None, text: bytes) -> None:
        """Adds a text. All texts are added before the first one is read."""
        self._file.write(text)
        self._jobs.append(HeldJob(job_id, self._end, len(text)))
        self._end += len(text)

    def read(self, job: HeldJob) -> bytes:
        """Returns the text of a job."""
        self._file.seek(job.offset)
        return self._file.read(job.length)
