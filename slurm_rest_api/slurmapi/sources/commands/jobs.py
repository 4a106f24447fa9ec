"""Reads all jobs with scontrol and squeue, and decides which texts can be trusted.

squeue says who owns a job and what it holds (see `squeue.py`), scontrol all the rest (see `job_text.py`). While the
texts of all jobs are as before, squeue need not run again (see `known_facts.py`). A user can write text that looks like
fields, like a job of their own, or like a job of others. Three facts reveal this:

- A job that was published before has the same texts (`text_key`). It is published at once.
- From the first other job on, all jobs wait until scontrol ended. Then a job id that is there twice, or that squeue
  does not know, shows that the job before it has a text with a newline.
- A text that could imitate one of its own job's lines is compared with the form in one line (see `job_proof.py`).

Jobs that remain doubtful are asked for singly, at most SINGLE_JOBS in a load. What is not clear then waits for the next
load, or is null.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

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
from slurm_rest_api.slurmapi.sources.commands.job_proof import has_rare_texts, one_line_key, proven_jobs, text_key
from slurm_rest_api.slurmapi.sources.commands.job_record import JobRecords
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
from slurm_rest_api.slurmapi.sources.commands.known_facts import KnownFacts, agrees, has_moved, line_of
from slurm_rest_api.slurmapi.sources.commands.programs import ProgramFailed, SlurmPrograms
from slurm_rest_api.slurmapi.sources.commands.rpcs import LAYOUT, SHOW_JOBS, SHOW_ONE_JOB, SQUEUE, Rpcs
from slurm_rest_api.slurmapi.sources.commands.single_job import SingleJobs
from slurm_rest_api.slurmapi.sources.commands.squeue import JobFacts, parse_facts, read_facts

logger = logging.getLogger(__name__)

ASK_AGAIN: Final = 1000
"""Jobs that squeue is asked about by their ids, such as those that came between the two programs."""

SINGLE_JOBS: Final = 32
"""Jobs that are asked for singly in one load."""

_STATE: Final = b"\n   JobState="
_SHOW_JOBS: Final = ("-d", "-a", "show", "job")


class Answer(NamedTuple):
    """The answer to a question about one job.

    Attributes:
        printed: Hash of what scontrol had printed about the job before.
        texts: Hash of the texts in it.
        job: The job, None if it still could be read in more than one way.
    """

    printed: int
    texts: int
    job: JobText | None


class JobTexts:
    """Remembers texts of jobs from earlier loads.

    Attributes:
        proven: `text_key` by id of jobs whose texts are clear.
        answers: Answers about doubtful jobs by id, the oldest first.
        reported: Jobs that are left out, and are in the log already.
        facts: What squeue printed.
    """

    def __init__(self) -> None:
        self.proven: dict[int, int] = {}
        self.answers: dict[int, Answer] = {}
        self.reported: set[int] = set()
        self.facts = KnownFacts()

    def keep(self, seen: set[int]) -> None:
        """Forgets jobs that are gone."""
        if len(self.proven) > 2 * len(seen) + 1000:
            self.proven = {job_id: key for job_id, key in self.proven.items() if job_id in seen}
        self.answers = {job_id: answer for job_id, answer in self.answers.items() if job_id in seen}
        self.reported &= seen


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
        self._single = SingleJobs(programs, release, rpcs)
        self._facts: dict[int, bytes] = {}
        self._has_read_facts = False
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
        # Both programs ask slurmctld at the same time.
        with self._programs.running(SEPARATOR, "scontrol", *_SHOW_JOBS) as printed, HeldJobs() as held:
            remembered = self._texts.facts.lines()
            self._facts = self._read_all_facts() if remembered is None else remembered
            yield from self._clear_jobs(jobs_of(self._with_layout(printed)), known, held)
            yield from self._held_jobs(held, known)
            self._texts.facts.keep(self._facts, self._seen, were_enough=not len(held))
        self._texts.keep(self._seen)

    def _read_all_facts(self) -> dict[int, bytes]:
        facts = self._read_facts()
        self._has_read_facts = True
        self._texts.facts.read()
        return facts

    def _read_facts(self, job_ids: Iterable[int] = ()) -> dict[int, bytes]:
        self._rpcs.add(SQUEUE)
        return read_facts(self._programs, job_ids)

    def _clear_jobs(self, pieces: Iterable[bytes], known: Mapping[int, int], held: HeldJobs) -> Iterator[Record]:
        """Yields jobs without doubt, and holds the others."""
        facts, seen, proven = self._facts, self._seen, self._texts.proven
        membership, fingerprints = self._membership, self._fingerprints
        is_holding = False
        self._rpcs.add(SHOW_JOBS)
        for piece in pieces:
            job_id = job_id_of(piece)
            line = facts.get(job_id) if job_id is not None else None
            if job_id is None or line is None or job_id in seen:
                is_holding = True
                held.add(job_id, piece)
                continue
            fingerprint = printed_fingerprint(piece, line, membership)
            unchanged = unchanged_job(job_id, line, fingerprint, known.get(job_id))
            # Only a job after one with doubt may have been imitated with another run time or priority.
            if unchanged is not None and not (is_holding and has_moving_value(unchanged)):
                seen.add(job_id)
                fingerprints[job_id] = fingerprint.value
                yield unchanged
                continue
            if is_holding or proven.get(job_id) != text_key(piece):
                is_holding = True
                held.add(job_id, piece)
                continue
            record = self._record_of_owner(job_id, piece, line)
            if record is None:
                held.add(job_id, piece)
            else:
                seen.add(job_id)
                yield record

    def _record_of_owner(self, job_id: int, piece: bytes, line: bytes) -> Record | None:
        """Returns the record of a job with known texts, None if it has another owner than before."""
        try:
            job = parse_job(piece.decode(errors="replace"), self._release)
        except AmbiguousJob:
            return None
        if not agrees(job, parse_facts(line)):
            return None
        # Its state may be newer or older than that of squeue.
        self._facts[job_id] = line = line_of(job, line)
        return self._published(job, parse_facts(line), printed_fingerprint(piece, line, self._membership))

    def _with_layout(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Counts the RPC that a scontrol makes for the first job with nodes."""
        has_layout = False
        for piece in pieces:
            if not has_layout and b" CPU_IDs=" in piece:
                has_layout = True
                self._rpcs.add(LAYOUT)
            yield piece

    def _held_jobs(self, held: HeldJobs, known: Mapping[int, int]) -> Iterator[Record]:
        """Yields the held jobs that are clear now, then the doubtful ones that could be read singly."""
        if not len(held):
            return
        if not self._has_read_facts:
            self._read_facts_of(held)
        self._ask_again(held)
        clear, doubtful = self._clear_and_doubtful(held)
        expected = {
            job_id: one_line_key(piece)
            for job_id, entry in clear.items()
            if is_ambiguous(piece := held.read(entry))
            and not self._is_proven(job_id, piece)
            and not self._is_answered(job_id, piece)
        }
        proven = proven_jobs(expected, self._one_line(list(expected))) if expected else set()
        unproven: dict[int, HeldJob] = {}
        for job_id, entry in clear.items():
            piece = held.read(entry)
            fingerprint = printed_fingerprint(piece, self._facts[job_id], self._membership)
            unchanged = unchanged_job(job_id, self._facts[job_id], fingerprint, known.get(job_id))
            if unchanged is not None:
                self._seen.add(job_id)
                self._fingerprints[job_id] = fingerprint.value
                yield unchanged
                continue
            try:
                job = parse_job(piece.decode(errors="replace"), self._release)
            except AmbiguousJob:
                doubtful.add(job_id)
                continue
            facts = parse_facts(self._facts[job_id])
            if not agrees(job, facts):
                doubtful.add(job_id)
            elif job.is_ambiguous and job_id not in proven and not self._is_proven(job_id, piece):
                unproven[job_id] = entry
            else:
                yield self._proven(job, facts, piece)
        yield from self._single_jobs(held, doubtful, unproven)

    def _read_facts_of(self, held: HeldJobs) -> None:
        """Replaces what is remembered of the held jobs by what squeue prints now."""
        wanted = {entry.job_id for entry in held if entry.job_id is not None} - self._seen
        for job_id in wanted:
            self._facts.pop(job_id, None)
        self._facts |= self._read_facts(sorted(wanted)) if len(wanted) <= ASK_AGAIN else self._read_all_facts()

    def _ask_again(self, held: HeldJobs) -> None:
        """Asks squeue again for jobs that it did not know, or knew in another state."""
        changed = {entry.job_id for entry in held if entry.job_id is not None and self._is_new_or_moved(held, entry)}
        changed -= self._seen
        if changed:
            self._facts |= self._read_facts(sorted(changed)[:ASK_AGAIN])

    def _is_new_or_moved(self, held: HeldJobs, entry: HeldJob) -> bool:
        line = self._facts.get(entry.job_id or 0)
        if line is None:
            return True
        piece = held.read(entry)
        return _STATE in piece and _STATE + parse_facts(line).state.encode() + b" " not in piece

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
            if job_id is not None and is_known and (counts[job_id] == 1 or self._is_proven(job_id, held.read(entry))):
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

    def _is_proven(self, job_id: int, piece: bytes) -> bool:
        return self._texts.proven.get(job_id) == text_key(piece) and not has_rare_texts(piece)

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

    def _proven(self, job: JobText, facts: JobFacts, piece: bytes) -> Record:
        """Returns the record of a job and remembers its texts."""
        self._seen.add(job.job_id)
        if not has_rare_texts(piece):
            self._texts.proven[job.job_id] = text_key(piece)
        return self._published(job, facts, printed_fingerprint(piece, self._facts[job.job_id], self._membership))

    def _published(self, job: JobText, facts: JobFacts, fingerprint: PrintedFingerprint) -> Record:
        record = self._records.record(job, facts)
        if is_cacheable(job, facts, fingerprint):
            self._fingerprints[job.job_id] = fingerprint.value
        return record

    def _one_line(self, job_ids: list[int]) -> Iterator[bytes]:
        """Yields the jobs in the form of one line, one by one if they are few."""
        if len(job_ids) > SINGLE_JOBS:
            self._rpcs.add(SHOW_JOBS)
            yield from self._with_layout(self._programs.lines("scontrol", "-o", *_SHOW_JOBS))
            return
        for job_id in job_ids:
            self._rpcs.add(SHOW_ONE_JOB)
            try:
                yield from self._with_layout(self._programs.lines("scontrol", "-o", *_SHOW_JOBS, str(job_id)))
            except ProgramFailed as error:
                if "Invalid job id" not in error.message:
                    raise

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
                job = without_ambiguous(parse_job(piece.decode(errors="replace"), self._release))
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
