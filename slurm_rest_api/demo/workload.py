"""The simulated workload: users, their demand over time, and the outcomes and ids of their jobs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from slurm_rest_api.demo.hardware import PARTITIONS

ACCOUNTS: Final = {
    "physics": ("alice", "bruno", "chandra", "dmitri", "elena", "farid", "gwen", "hugo"),
    "chemistry": ("ines", "jonas", "kaori", "lars", "mei", "nadia", "olga"),
    "biology": ("pablo", "quentin", "rosa", "sven", "tamara", "umar", "vera"),
    "climate": ("wei", "xenia", "yusuf", "zoe", "anton", "bianca"),
    "engineering": ("carlos", "dana", "emil", "fatima", "greta", "henrik"),
    "astronomy": ("irina", "jamal", "karin", "leon"),
    "learning": ("maya", "nils", "oscar", "petra", "rahul", "selma", "tariq"),
}
QOS: Final = ("normal", "high", "low", "interactive")
INTERACTIVE: Final = "interactive"
"""The QOS in which each user runs one job at a time."""
INTERACTIVE_CPUS: Final = 32
"""The limit of that QOS on the CPUs of a user."""
WITHOUT_JOBS: Final = "leon"
"""The user whose association has MaxJobs=0."""
WITH_FEW_CPUS: Final = "karin"
FEW_CPUS: Final = 32
"""The limit on the CPUs of that user's association. Their jobs request more."""
LIMITS_MINUTES: Final = (5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 4320, 5760)
SHORTEST_SECONDS: Final = 60
HELD_REASONS: Final = (
    "AssocGrpCpuLimit",
    "JobHeldUser",
    "QOSMaxCpuPerUserLimit",
    "AssocMaxJobsLimit",
    "DependencyNeverSatisfied",
    "JobHeldAdmin",
)

_FIRST_UID: Final = 2001
_FIRST_USER_ASSOCIATION: Final = 100
_JOB_NAMES: Final = {
    "physics": ("lattice", "geant_run", "mc_sim", "fit_spectra", "beamline"),
    "chemistry": ("dft_relax", "md_water", "docking", "orbitals"),
    "biology": ("align", "assemble", "blast_all", "phylo", "fold"),
    "climate": ("ensemble", "downscale", "ocean_1km", "postproc"),
    "engineering": ("cfd_wing", "fem_bridge", "mesh", "optimise"),
    "astronomy": ("nbody", "stack_frames", "lightcurves", "halo_find"),
    "learning": ("train", "finetune", "evaluate", "tokenize", "sweep"),
}
_MAX_SECONDS: Final = {partition.name: partition.max_seconds for partition in PARTITIONS}

_DAY: Final = 86400
_PEAK_HOUR: Final = 15
_FIRST_MONDAY: Final = 4 * _DAY
"""1970-01-05."""

_ID_QUANTUM_SECONDS: Final = 60
_MAX_IDS: Final = 60_000_000
_FIRST_ID: Final = 1000
_IDS_PER_QUANTUM: Final = 4
"""For two windows that may overlap, and two components of a heterogeneous job."""

_SLUID_CLUSTER: Final = 1
_SLUID_CLUSTER_SHIFT: Final = 52
_SLUID_SEQUENCE_BITS: Final = 10


@dataclass(frozen=True)
class User:
    """A user with their only account, and the id of that association."""

    name: str
    uid: int
    account: str
    association: int


USERS: Final = tuple(
    User(name, _FIRST_UID + number, account, _FIRST_USER_ASSOCIATION + number)
    for number, (account, name) in enumerate((account, name) for account, names in ACCOUNTS.items() for name in names)
)
_LEARNING_USERS: Final = tuple(user for user in USERS if user.account == "learning")
# A few users submit most of the jobs.
WEIGHTS: Final = tuple(1.0 / (1 + number * 7 % len(USERS)) ** 0.7 for number in range(len(USERS)))


_RUNNING_WEIGHTS: Final = tuple(
    0.0 if user.name in (WITHOUT_JOBS, WITH_FEW_CPUS) else weight for user, weight in zip(USERS, WEIGHTS, strict=True)
)
_INTERACTIVE_USERS: Final = tuple(user for user, weight in zip(USERS, _RUNNING_WEIGHTS, strict=True) if weight)


def random_user(random: Random, *, gpu: bool) -> User:
    """Draws the user who submits a job. Most GPU jobs belong to the account learning."""
    if gpu and random.random() < 0.75:
        return random.choice(_LEARNING_USERS)
    return random.choices(USERS, _RUNNING_WEIGHTS)[0]


def user_of_limit(reason: str) -> User | None:
    """Returns the user whose association has the limit that is the reason of a waiting job. None: any user's job."""
    name = {"AssocMaxJobsLimit": WITHOUT_JOBS, "AssocGrpCpuLimit": WITH_FEW_CPUS}.get(reason)
    return next((user for user in USERS if user.name == name), None)


def interactive_user(block: int) -> User | None:
    """Returns the user who runs interactive jobs in a block of nodes, a block for each user. None in the others."""
    return _INTERACTIVE_USERS[block] if block < len(_INTERACTIVE_USERS) else None


def random_qos(random: Random) -> str:
    """Draws the QOS of a job that is not interactive."""
    return random.choices(QOS[:3], (80, 12, 8))[0]


def random_job_name(random: Random, user: User) -> str:
    """Draws the name of a job of this user."""
    return random.choice(_JOB_NAMES[user.account])


def demand_at(moment: float) -> float:
    """Returns the probability, 0 to 1, that a free share of a node gets a job.

    `moment` is an epoch second. The probability is highest in the afternoon of weekdays, lowest on Sunday night.
    """
    hour = moment % _DAY / 3600
    day = 0.72 + 0.2 * math.cos(2 * math.pi * (hour - _PEAK_HOUR) / 24)
    weekday = (moment - _FIRST_MONDAY) // _DAY % 7
    return day * (0.8 if weekday >= 5 else 1.0)


class JobOutcome(NamedTuple):
    """Run time in seconds, time limit, final state, exit code and signal of a job."""

    seconds: int
    limit_minutes: int
    state: str
    exit_code: int
    signal: int


def job_outcome(random: Random, mean_seconds: int, most_seconds: int, partition: str) -> JobOutcome:
    """Draws the outcome of a job that may run for `most_seconds`."""
    most = min(most_seconds, _MAX_SECONDS[partition])
    seconds = min(most, SHORTEST_SECONDS + int(random.lognormvariate(0.0, 1.0) * mean_seconds * 0.6))
    fate = random.random()
    if fate < 0.05 and seconds >= LIMITS_MINUTES[0] * 60:
        limit = max(minutes for minutes in LIMITS_MINUTES if minutes * 60 <= seconds)
        return JobOutcome(limit * 60, limit, "TIMEOUT", 0, 15)
    roomy = [minutes for minutes in LIMITS_MINUTES if seconds <= minutes * 60 <= _MAX_SECONDS[partition]]
    limit = random.choice(roomy[:3]) if roomy else _MAX_SECONDS[partition] // 60
    if fate < 0.13:
        return JobOutcome(min(seconds, 1 + seconds // 3), limit, "FAILED", random.choice((1, 1, 1, 2, 127)), 0)
    if fate < 0.17:
        return JobOutcome(1 + seconds // 2, limit, "CANCELLED", 0, 15)
    if fate < 0.18:
        return JobOutcome(1 + seconds // 2, limit, "OUT_OF_MEMORY", 0, 9)
    return JobOutcome(seconds, limit, "COMPLETED", 0, 0)


def pending_seconds(random: Random, mean_seconds: float, most_seconds: int) -> int:
    """Draws the seconds between a job's submission and its start."""
    if random.random() < 0.25:
        return random.randrange(1, 20)
    return min(most_seconds, 1 + int(random.expovariate(0.75 / mean_seconds)))


def random_nice(random: Random) -> int:
    """Draws the nice value of a job. Most users leave it at 0."""
    drawn = random.randrange(1000, 90_000)
    return drawn // 100 if drawn % 20 == 0 else 0


class JobIds:
    """Assigns the job ids of one window.

    Ids grow with time and wrap around as Slurm's do at MaxJobId. Each block and every second window have their own
    numbers. So ids are unique without a counter of all jobs.
    """

    def __init__(self, block: int, blocks: int, window: int) -> None:
        self._blocks = blocks
        self._block = block
        self._parity = window % 2
        self._used: set[int] = set()

    def take(self, moment: int) -> int:
        """Returns an id for a job that is recorded at an epoch second. The next higher id stays free, too."""
        quantum = moment // _ID_QUANTUM_SECONDS
        while quantum in self._used:
            quantum -= 1
        self._used.add(quantum)
        return ((quantum * self._blocks + self._block) * _IDS_PER_QUANTUM + self._parity * 2) % _MAX_IDS + _FIRST_ID


def record_key(moment: int, job_id: int, attempt: int) -> int:
    """Returns the primary key of a job's record from an epoch second: a SLUID, as in slurmdbd since 24.11."""
    spread = job_id * 7919 + attempt
    milliseconds = moment * 1000 + spread % 1000
    sequence = spread // 1000 % (1 << _SLUID_SEQUENCE_BITS)
    return _SLUID_CLUSTER << _SLUID_CLUSTER_SHIFT | milliseconds << _SLUID_SEQUENCE_BITS | sequence
