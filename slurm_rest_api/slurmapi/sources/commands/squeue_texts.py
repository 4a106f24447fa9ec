"""Proves optional lines of jobs by texts that squeue prints one by one.

Only a text with a newline imitates a line, and the imitated line follows it. So an optional line is the job's own if
the line before it is, and the text of that line has no newline. squeue prints such texts with a random word after each
(SQUEUE_FORMAT2 and `-O type:0suffix` of squeue(1)). No user knows the word, so no text can hide where it ends. It is in
the environment, because other users of the host see the arguments of a command.

It costs a seventh of a second form of all jobs, which is needed where a text has a newline, or squeue lacks it.
"""

from __future__ import annotations

import functools
import itertools
import re
import secrets
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

from slurm_rest_api.slurmapi.sources.commands.job_proof import has_rare_texts
from slurm_rest_api.slurmapi.sources.commands.job_text import is_ambiguous, is_free, is_known
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms

_WORD_BYTES: Final = 8
_NO_SUCH_FORM: Final = "format specification"

_FEATURES: Final = b"\n   Features="
_KEYS: Final = re.compile(rb"\n   ([^=\n]*)")
_OUTPUT: Final = ("StdOut", "WorkDir", "Name")
"""squeue may print a pattern of the path. scontrol adds the folder and the name to it."""

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "Features": ("Feature",),
    "WorkDir": ("WorkDir",),
    "AdminComment": ("admin_comment",),
    "SystemComment": ("system_comment",),
    "Comment": ("Comment",),
    "StdOut": _OUTPUT,
    "CpusPerTres": ("cpus-per-tres",),
    "MemPerTres": ("mem-per-tres",),
    "TresBind": ("tres-bind",),
    "TresFreq": ("tres-freq",),
    "TresPerJob": ("tres-per-job",),
    "TresPerNode": ("tres-per-node",),
    "TresPerSocket": ("tres-per-socket",),
    "TresPerTask": ("tres-per-task",),
    # No user writes texts of these.
    "SegmentSize": (),
    "Switches": (),
    "CPU_min_freq": (),
    "CPU_max_freq": (),
    "Governor": (),
    "Power": (),
    "GresAllowTaskSharing": (),
    "GresEnforceBind": (),
    "GresOneTaskPerSharing": (),
    "KillOInInvalidDependent": (),
    "KillOnInvalidDependent": (),
    "SpreadJob": (),
    "OOMKillStep": (),
}
"""Types of squeue with the texts of a line, by the first key of the line."""


class NewlineFreeTexts:
    """The jobs whose texts have no newline, as squeue printed them.

    Attributes:
        types: The types of squeue that were read.
        job_ids: The jobs.
    """

    def __init__(self, types: Collection[str], job_ids: Collection[int]) -> None:
        self.types = types
        self.job_ids = job_ids

    def proves(self, job_id: int, piece: bytes) -> bool:
        """Return True if each optional line of a job is its own.

        Args:
            job_id: The job id.
            piece: The whole text of scontrol, which `parse_job` has accepted.
        """
        types = needed_types(piece)
        if types is None:
            return False
        # Until 23.11 the line of Power is between all texts and most optional lines.
        return not types or (job_id in self.job_ids and types.issubset(self.types))


NOTHING: Final = NewlineFreeTexts((), ())


def needed_types(piece: bytes) -> frozenset[str] | None:
    """Returns the types of squeue that prove each optional line of a job.

    None if there are no such lines, or squeue cannot prove one of them.
    """
    start = piece.find(_FEATURES)
    if start < 0 or is_ambiguous(piece[:start]) or has_rare_texts(piece):
        return None
    keys = _KEYS.findall(piece, start)
    if not keys[-1]:
        # Some releases end a job with an empty line.
        keys.pop()
    return _types_of(tuple(keys))


@functools.lru_cache(maxsize=1024)
def _types_of(keys: tuple[bytes, ...]) -> frozenset[str] | None:
    """Returns the types for the first keys of the lines from Features on."""
    names = [key.decode(errors="replace") for key in keys]
    if not all(map(is_known, names)):
        return None
    found = [_COLUMNS.get(before) for before, name in itertools.pairwise(names) if is_free(name)]
    if not found or None in found:
        return None
    return frozenset(itertools.chain.from_iterable(filter(None, found)))


class SqueueTexts:
    """Reads texts of jobs. It outlives the load, and remembers the types that this squeue lacks."""

    def __init__(self) -> None:
        self._lacks: set[str] = set()

    def can_read(self, types: Collection[str]) -> bool:
        """Return True if squeue was not found to lack one of these types."""
        return self._lacks.isdisjoint(types)

    def read(self, programs: SlurmPrograms, types: Collection[str], job_ids: Collection[int]) -> NewlineFreeTexts:
        """Returns the jobs whose texts of these types have no newline.

        Args:
            programs: Slurm's commands.
            types: Types of `squeue -O`.
            job_ids: The jobs that are asked for, all if it is empty.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        columns = ("JobID", *types)
        word = f"~{secrets.token_hex(_WORD_BYTES)}~"
        variables = {"SQUEUE_FORMAT2": ",".join(f"{column}:0{word}" for column in columns)}
        wanted = ("-j", ",".join(map(str, job_ids))) if job_ids else ()
        arguments = ("-a", "-t", "all", *wanted)
        with programs.running(word.encode(), "squeue", *arguments, variables=variables) as pieces:
            # squeue ignores a type that it lacks, and leaves the place in its header empty. Others may refuse the form.
            header: list[bytes] = []
            try:
                header += islice(pieces, len(columns))
            except ProgramFailed as error:
                if _NO_SUCH_FORM not in error.message:
                    raise
            has_form = len(header) == len(columns) and header[0] == b"JOBID"
            lacking = [each for each, title in zip(types, header[1:], strict=True) if not title] if has_form else types
            if has_form and not lacking:
                return NewlineFreeTexts(types, _newline_free(pieces, len(types)))
        self._lacks.update(lacking)
        return NOTHING


def _newline_free(pieces: Iterator[bytes], count: int) -> set[int]:
    """Returns the ids of the rows without a newline in their `count` texts. Each row begins with the id."""
    found: set[int] = set()
    others: set[int] = set()
    for first in pieces:
        job_id = first.removeprefix(b"\n")
        texts = list(islice(pieces, count))
        if not job_id.isdigit() or len(texts) < count:
            break
        (others if any(b"\n" in text for text in texts) else found).add(int(job_id))
    return found - others
