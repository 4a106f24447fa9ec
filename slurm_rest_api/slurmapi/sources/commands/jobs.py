"""Reads all jobs with scontrol, and decides which texts can be trusted.

A user can write text that looks like fields, like a job of their own, or like a job of others. These facts reveal it:

- Each job has the line of SubmitTime with a word that no user knows (see `time_marks.py`). A job whose text is not
  ambiguous is published at once, with the owner, state and nodes that scontrol prints.
- From the first text without that line on, all jobs wait until scontrol ended. squeue has the owner of each and what it
  holds (see `squeue.py`). A job id that is there twice, or that squeue does not know, shows that the job before it has
  a text with a newline.
- A text that could imitate one of its own job's lines needs a proof by another command (see `line_proofs.py`), if the
  job was not published before with the same texts (`text_key`). Until it has one, the doubtful values are null.

Jobs that remain doubtful are asked for singly, at most SINGLE_JOBS in a load. What is not clear then waits for the next
load, or is null.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record
from slurm_rest_api.slurmapi.sources.commands.held_jobs import HeldJob, HeldJobs
from slurm_rest_api.slurmapi.sources.commands.job_fingerprints import (
    PrintedFingerprint,
    has_moving_value,
    is_cacheable,
    printed_fingerprint,
    unchanged_job,
)
from slurm_rest_api.slurmapi.sources.commands.job_proof import has_clear_owner, text_key
from slurm_rest_api.slurmapi.sources.commands.job_record import JobRecords
from slurm_rest_api.slurmapi.sources.commands.job_shapes import ByShape, parts_of, similar_record
from slurm_rest_api.slurmapi.sources.commands.job_text import (
    SEPARATOR,
    AmbiguousJob,
    JobText,
    Release,
    is_ambiguous,
    job_id_of,
    jobs_of,
    parse_job,
    without_ambiguous,
)
from slurm_rest_api.slurmapi.sources.commands.line_proofs import SHOW_ALL, LineProofs, with_layout
from slurm_rest_api.slurmapi.sources.commands.programs import SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.remembered_texts import Answer, JobTexts
from slurm_rest_api.slurmapi.sources.commands.rpcs import SHOW_JOBS, SQUEUE, Rpcs
from slurm_rest_api.slurmapi.sources.commands.single_job import SingleJobs
from slurm_rest_api.slurmapi.sources.commands.squeue import (
    JobFacts,
    agrees,
    has_moved,
    line_of,
    parse_facts,
    read_facts,
)

logger = logging.getLogger(__name__)

MOST_IDS: Final = 1000
"""Jobs that squeue is asked about by their ids. It prints all jobs instead of more."""

SINGLE_JOBS: Final = 32
"""Jobs that are asked for singly in one load."""


class JobLoad:
    """The jobs of one load. They can be iterated once.

    Args:
        programs: Slurm's commands.
        release: Release of the commands.
        names: Names of users and groups.
        cluster: Name of the cluster.
        membership: Fingerprint of the nodes and their partitions.
        texts: What is known from earlier loads.
        rpcs: Counts the RPCs.
    """

    def __init__(
        self,
        programs: SlurmPrograms,
        release: Release,
        names: UserNames,
        cluster: str | None,
        membership: int,
        texts: JobTexts,
        rpcs: Rpcs,
    ) -> None:
        self._programs = programs
        self._release = release
        self._membership = membership
        self._texts = texts
        self._rpcs = rpcs
        self._records = JobRecords(names, cluster)
        self._shapes = ByShape[Record]()
        self._proven_shapes = ByShape[Record]()
        self._ambiguous_shapes = ByShape[bytes]()
        self._single = SingleJobs(programs, release, rpcs)
        self._proofs = LineProofs(programs, texts, rpcs, MOST_IDS, SINGLE_JOBS)
        self._facts: dict[int, bytes] = {}
        self._whole: set[int] = set()
        self._seen: set[int] = set()
        self._fingerprints: JobFingerprints = {}

    def records(self) -> Iterator[Record]:
        """Yields every job."""
        return self.changed_since({}, {})

    def changed_since(self, known: Mapping[int, int], fingerprints: JobFingerprints) -> Iterator[Record]:
        """Yields every job, an `UnchangedJob` for one whose fingerprint is in `known`.

        Adds the fingerprints of this load to `fingerprints`.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        self._fingerprints = fingerprints
        variables = {"SLURM_TIME_FORMAT": self._texts.marks.time_format}
        with (
            self._programs.running(SEPARATOR, "scontrol", *SHOW_ALL, variables=variables) as printed,
            HeldJobs() as held,
        ):
            yield from self._clear_jobs(jobs_of(with_layout(printed, self._rpcs)), known, held)
            yield from self._held_jobs(held, known)
        self._texts.keep(self._seen)

    def _read_facts(self, job_ids: Iterable[int] = ()) -> dict[int, bytes]:
        self._rpcs.add(SQUEUE)
        return read_facts(self._programs, job_ids)

    def _clear_jobs(self, pieces: Iterable[bytes], known: Mapping[int, int], held: HeldJobs) -> Iterator[Record]:
        """Yields jobs without doubt, and holds the others."""
        seen, membership, fingerprints = self._seen, self._membership, self._fingerprints
        self._rpcs.add(SHOW_JOBS)
        for piece, is_whole in self._texts.marks.checked(pieces):
            job_id = job_id_of(piece)
            if job_id is None or job_id in seen:
                held.add(job_id, piece)
                continue
            fingerprint = printed_fingerprint(piece, b"", membership)
            unchanged = unchanged_job(job_id, piece, fingerprint, known.get(job_id))
            # Only a job that is not whole may have been imitated with another run time or priority.
            if unchanged is not None and (is_whole or not has_moving_value(unchanged)):
                seen.add(job_id)
                fingerprints[job_id] = fingerprint.value
                yield unchanged
                continue
            record = self._whole_job(job_id, piece, fingerprint) if is_whole else None
            if record is None:
                held.add(job_id, piece)
            else:
                seen.add(job_id)
                yield record

    def _whole_job(self, job_id: int, piece: bytes, fingerprint: PrintedFingerprint) -> Record | None:
        """Returns the record of a whole job, None if a text may have imitated one of its lines."""
        is_remembered = self._proofs.is_proven(job_id, piece)
        is_proven = is_remembered or self._proofs.has_no_newline(job_id, piece)
        record = self._read_whole(job_id, piece, fingerprint, is_proven=is_proven)
        if record is not None and is_proven and not is_remembered:
            self._proofs.remember(job_id, piece)
        return record

    def _read_whole(
        self, job_id: int, piece: bytes, fingerprint: PrintedFingerprint, *, is_proven: bool
    ) -> Record | None:
        text = self._text(piece)
        parts = parts_of(text)
        like = self._shapes.get(parts) or (self._proven_shapes.get(parts) if is_proven else None)
        if like is not None and parts is not None:
            return self._similar(like, parts, job_id, fingerprint)
        line = None if is_proven else self._ambiguous_shapes.get(parts)
        if line is None:
            try:
                job = parse_job(text, self._release)
            except AmbiguousJob:
                return None
            if not has_clear_owner(piece):
                return None
            line = line_of(job)
            if not job.is_ambiguous or is_proven:
                record = self._published(job, parse_facts(line), fingerprint)
                (self._proven_shapes if job.is_ambiguous else self._shapes).add(parts, record)
                return record
            self._ambiguous_shapes.add(parts, line)
        # Its texts are doubtful, and not its owner, state and nodes. Their lines are in the block of the job itself.
        self._facts[job_id] = line
        self._whole.add(job_id)
        self._proofs.add_doubtful(piece)
        return None

    def _similar(self, like: Record, parts: re.Match[str], job_id: int, fingerprint: PrintedFingerprint) -> Record:
        self._fingerprints[job_id] = fingerprint.value
        return similar_record(like, parts, self._records.times)

    def _text(self, piece: bytes) -> str:
        return self._texts.marks.removed_from(piece).decode(errors="replace")

    def _parsed(self, piece: bytes) -> JobText:
        return parse_job(self._text(piece), self._release)

    def _fingerprint(self, job_id: int, piece: bytes) -> PrintedFingerprint:
        line = b"" if job_id in self._whole else self._facts[job_id]
        return printed_fingerprint(piece, line, self._membership)

    def _held_jobs(self, held: HeldJobs, known: Mapping[int, int]) -> Iterator[Record]:
        """Yields the held jobs that are clear now, then the doubtful ones that could be read singly."""
        if not len(held):
            return
        self._read_facts_of(held)
        clear, doubtful = self._clear_and_doubtful(held)
        ambiguous = [
            job_id
            for job_id, entry in clear.items()
            if is_ambiguous(piece := held.read(entry))
            and not self._proofs.is_proven(job_id, piece)
            and not self._is_answered(job_id, piece)
        ]
        proven = self._proofs.prove(ambiguous, lambda job_id: held.read(clear[job_id]), self._whole)
        unproven: dict[int, HeldJob] = {}
        for job_id, entry in clear.items():
            piece = held.read(entry)
            fingerprint = self._fingerprint(job_id, piece)
            unchanged = unchanged_job(job_id, piece, fingerprint, known.get(job_id))
            if unchanged is not None:
                self._seen.add(job_id)
                self._fingerprints[job_id] = fingerprint.value
                yield unchanged
                continue
            parts = parts_of(self._text(piece)) if job_id in proven and job_id in self._whole else None
            like = self._proven_shapes.get(parts)
            if like is not None and parts is not None:
                self._seen.add(job_id)
                self._proofs.remember(job_id, piece)
                yield self._similar(like, parts, job_id, fingerprint)
                continue
            try:
                job = self._parsed(piece)
            except AmbiguousJob:
                doubtful.add(job_id)
                continue
            facts = parse_facts(self._facts[job_id])
            if not agrees(job, facts):
                doubtful.add(job_id)
            elif job.is_ambiguous and job_id not in proven and not self._proofs.is_proven(job_id, piece):
                if job_id not in self._proofs.postponed:
                    unproven[job_id] = entry
                    continue
                self._seen.add(job_id)
                yield self._records.record(without_ambiguous(job), facts)
            else:
                self._seen.add(job_id)
                self._proofs.remember(job_id, piece)
                record = self._published(job, facts, fingerprint)
                self._proven_shapes.add(parts, record)
                yield record
        yield from self._single_jobs(held, doubtful, unproven)

    def _read_facts_of(self, held: HeldJobs) -> None:
        """Asks squeue for the held jobs that are not whole."""
        wanted = {entry.job_id for entry in held if entry.job_id is not None} - self._seen - self._whole
        if wanted or any(entry.job_id is None for entry in held):
            self._facts |= self._read_facts(sorted(wanted) if len(wanted) <= MOST_IDS else ())

    def _clear_and_doubtful(self, held: HeldJobs) -> tuple[dict[int, HeldJob], set[int]]:
        """Returns the held jobs by id, and the ids of doubtful ones.

        An id is doubtful if it is there twice, unless exactly one of the two has the texts that were proven before. A
        job before an id that is not clear has a text that looks like a job.
        """
        counts = Counter(entry.job_id for entry in held)
        clear: dict[int, HeldJob] = {}
        doubtful: set[int] = set()
        before: dict[int, int | None] = {}
        last: int | None = None
        for entry in held:
            job_id = entry.job_id
            is_known = job_id is not None and job_id in self._facts and job_id not in self._seen
            if (
                job_id is not None
                and is_known
                and (counts[job_id] == 1 or self._proofs.is_proven(job_id, held.read(entry)))
            ):
                if job_id in clear:
                    # One of the two is a text of the job before it.
                    doubtful.update(each for each in (job_id, before[job_id], last) if each is not None)
                else:
                    doubtful.discard(job_id)
                clear[job_id], before[job_id], last = entry, last, job_id
                continue
            if last is not None:
                doubtful.add(last)
            if job_id is not None and is_known and job_id not in clear:
                doubtful.add(job_id)
        return {job_id: entry for job_id, entry in clear.items() if job_id not in doubtful}, doubtful

    def _is_answered(self, job_id: int, piece: bytes) -> bool:
        """Return True if the job was asked for singly when scontrol printed these texts about it."""
        answer = self._texts.answers.get(job_id)
        return answer is not None and answer.texts == _next_hashes((0, 0), piece)[1]

    def _ask_singly(self, hashes: dict[int, tuple[int, int]]) -> None:
        """Asks for jobs whose printed form is another one than before: first new ones, then those of old answers."""
        answers = self._texts.answers
        order = {job_id: place for place, job_id in enumerate(answers, start=1)}
        changed = [
            job_id
            for job_id, (whole, _texts) in hashes.items()
            if job_id not in answers or answers[job_id].printed != whole
        ]
        for job_id in sorted(changed, key=lambda job_id: order.get(job_id, 0))[:SINGLE_JOBS]:
            answers.pop(job_id, None)
            answers[job_id] = Answer(*hashes[job_id], self._single.read(job_id))

    def _published(self, job: JobText, facts: JobFacts, fingerprint: PrintedFingerprint) -> Record:
        record = self._records.record(job, facts)
        if is_cacheable(facts, fingerprint):
            self._fingerprints[job.job_id] = fingerprint.value
        return record

    def _single_jobs(self, held: HeldJobs, doubtful: set[int], unproven: dict[int, HeldJob]) -> Iterator[Record]:
        """Yields doubtful jobs. Those that were not asked for yet are the first ones."""
        hashes = dict.fromkeys((*doubtful, *unproven), (0, 0))
        for entry in held:
            if entry.job_id in hashes:
                hashes[entry.job_id] = _next_hashes(hashes[entry.job_id], held.read(entry))
        self._ask_singly(hashes)
        for job_id, (whole, texts_hash) in hashes.items():
            facts = parse_facts(self._facts[job_id])
            answer = self._texts.answers.get(job_id)
            job = None
            if answer is not None and answer.job is not None and answer.texts == texts_hash:
                # An old answer has old times, but the right texts.
                job = answer.job if answer.printed == whole or not has_moved(answer.job, facts) else None
            if job is None and job_id in unproven:
                piece = held.read(unproven[job_id])
                job = without_ambiguous(self._parsed(piece))
            self._seen.add(job_id)
            if job is not None and agrees(job, facts):
                yield self._records.record(job, facts)
            elif job_id not in self._texts.reported:
                self._texts.reported.add(job_id)
                logger.warning(
                    "Job %s is left out: its texts look like fields of jobs. Run `scontrol show job %s` to check.",
                    job_id,
                    job_id,
                )


def _next_hashes(hashes: tuple[int, int], piece: bytes) -> tuple[int, int]:
    """Returns hashes of one more text of a job: of the whole texts, and of the parts that users write."""
    return hash((hashes[0], piece)), hash((hashes[1], text_key(piece)))
