"""Proves optional lines of jobs by other commands, and remembers the texts that are proven.

Few jobs are compared with the form of one line, each by itself (see `job_proof.py`). For many ones squeue prints their
texts (see `squeue_texts.py`). Those that squeue does not prove are compared with the form of one line of all jobs, but
not in each load. In the first load squeue is asked before all jobs are read, so that they need not be kept meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from slurm_rest_api.slurmapi.sources.commands.job_proof import has_rare_texts, one_line_key, proven_jobs, text_key
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import JobTexts
from slurm_rest_api.slurmapi.sources.commands.rpcs import LAYOUT, SHOW_JOBS, SHOW_ONE_JOB, SQUEUE, Rpcs
from slurm_rest_api.slurmapi.sources.commands.squeue_texts import NOTHING, NewlineFreeTexts, needed_types

SHOW_ALL: Final = ("-d", "-a", "show", "job")
"""Arguments of scontrol for all jobs."""


class LineProofs:
    """The proofs of one load.

    Attributes:
        postponed: Jobs that wait for the next comparison of all jobs.

    Args:
        programs: Slurm's commands.
        texts: What is known from earlier loads.
        rpcs: Counts the RPCs.
        most_ids: Jobs that squeue is asked about by their ids. It prints all jobs instead of more.
        most_single: Jobs that are compared each by itself.
    """

    def __init__(self, programs: SlurmPrograms, texts: JobTexts, rpcs: Rpcs, most_ids: int, most_single: int) -> None:
        self._programs = programs
        self._texts = texts
        self._rpcs = rpcs
        self._most_ids = most_ids
        self._most_single = most_single
        self._is_first = not texts.proven
        self._newline_free = NOTHING
        self._doubtful = 0
        self._types: set[str] = set()
        self.postponed: set[int] = set()

    def is_proven(self, job_id: int, piece: bytes) -> bool:
        """Return True if the job had the same texts when they were proven."""
        known = self._texts.proven.get(job_id)
        return known is not None and known == text_key(piece) and not has_rare_texts(piece)

    def has_no_newline(self, job_id: int, piece: bytes) -> bool:
        """Return True if no text of a whole job has imitated an optional line, as far as squeue was asked."""
        return self._newline_free.proves(job_id, piece)

    def remember(self, job_id: int, piece: bytes) -> None:
        """Remembers the texts of a job that is published."""
        if not has_rare_texts(piece):
            self._texts.proven[job_id] = text_key(piece)

    def add_doubtful(self, piece: bytes) -> None:
        """Counts a whole job that waits for a proof. If they are many in the first load, squeue is asked at once."""
        types = needed_types(piece)
        if not self._is_first or types is None or not self._texts.squeue.can_read(types):
            return
        self._doubtful += 1
        self._types |= types
        if self._doubtful > self._most_single:
            self._is_first = False
            self._newline_free = self._read(self._types, ())

    def prove(self, job_ids: Collection[int], piece_of: Callable[[int], bytes], whole: set[int]) -> set[int]:
        """Returns the jobs whose lines are their own.

        Args:
            job_ids: Jobs that wait for a proof.
            piece_of: Returns the text of scontrol.
            whole: The jobs of which the text is whole.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        proven = {job_id for job_id in job_ids if job_id in whole and self.has_no_newline(job_id, piece_of(job_id))}
        rest = [job_id for job_id in job_ids if job_id not in proven]
        if len(rest) > self._most_single:
            proven |= self._proven_by_squeue([job_id for job_id in rest if job_id in whole], piece_of)
            rest = [job_id for job_id in rest if job_id not in proven]
        if len(rest) > self._most_single and not self._texts.may_print_all_again():
            self.postponed.update(rest)
            return proven
        expected = {job_id: one_line_key(self._texts.marks.removed_from(piece_of(job_id))) for job_id in rest}
        return proven | proven_jobs(expected, self._one_line(rest))

    def _proven_by_squeue(self, job_ids: list[int], piece_of: Callable[[int], bytes]) -> set[int]:
        types: set[str] = set()
        asked = []
        for job_id in job_ids:
            needed = needed_types(piece_of(job_id))
            if needed is not None and self._texts.squeue.can_read(needed):
                types |= needed
                asked.append(job_id)
        if not asked:
            return set()
        found = self._read(types, asked if len(asked) <= self._most_ids else ())
        return {job_id for job_id in asked if found.proves(job_id, piece_of(job_id))}

    def _read(self, types: set[str], job_ids: Collection[int]) -> NewlineFreeTexts:
        self._rpcs.add(SQUEUE)
        return self._texts.squeue.read(self._programs, sorted(types), job_ids)

    def _one_line(self, job_ids: list[int]) -> Iterator[bytes]:
        """Yields the jobs in the form of one line, one by one if they are few."""
        if len(job_ids) > self._most_single:
            self._rpcs.add(SHOW_JOBS)
            yield from with_layout(self._programs.lines("scontrol", "-o", *SHOW_ALL), self._rpcs)
            return
        for job_id in job_ids:
            self._rpcs.add(SHOW_ONE_JOB)
            try:
                yield from with_layout(self._programs.lines("scontrol", "-o", *SHOW_ALL, str(job_id)), self._rpcs)
            except ProgramFailed as error:
                if "Invalid job id" not in error.message:
                    raise


def with_layout(pieces: Iterable[bytes], rpcs: Rpcs) -> Iterator[bytes]:
    """Counts the RPC that a scontrol makes for the first job with nodes."""
    has_layout = False
    for piece in pieces:
        if not has_layout and b" CPU_IDs=" in piece:
            has_layout = True
            rpcs.add(LAYOUT)
        yield piece
