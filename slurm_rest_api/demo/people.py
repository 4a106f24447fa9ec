"""Users, accounts and what they run in the simulated cluster; pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

ACCOUNTS: Final = {
    "physics": ("alice", "bruno", "chandra", "dmitri", "elena", "farid", "gwen", "hugo"),
    "chemistry": ("ines", "jonas", "kaori", "lars", "mei", "nadia", "olga"),
    "biology": ("pablo", "quentin", "rosa", "sven", "tamara", "umar", "vera"),
    "climate": ("wei", "xenia", "yusuf", "zoe", "anton", "bianca"),
    "engineering": ("carlos", "dana", "emil", "fatima", "greta", "henrik"),
    "astronomy": ("irina", "jamal", "karin", "leon"),
    "learning": ("maya", "nils", "oscar", "petra", "rahul", "selma", "tariq"),
}
QOS: Final = ("normal", "high", "low")

_FIRST_UID: Final = 2001
_FIRST_USER_ASSOCIATION: Final = 100

_PROGRAMS: Final = {
    "physics": ("lattice", "geant_run", "mc_sim", "fit_spectra", "beamline"),
    "chemistry": ("dft_relax", "md_water", "docking", "orbitals"),
    "biology": ("align", "assemble", "blast_all", "phylo", "fold"),
    "climate": ("ensemble", "downscale", "ocean_1km", "postproc"),
    "engineering": ("cfd_wing", "fem_bridge", "mesh", "optimise"),
    "astronomy": ("nbody", "stack_frames", "lightcurves", "halo_find"),
    "learning": ("train", "finetune", "evaluate", "tokenize", "sweep"),
}


@dataclass(frozen=True)
class Person:
    """A user with the one account that they run under, and the id of that association."""

    name: str
    uid: int
    account: str
    association: int


PEOPLE: Final = tuple(
    Person(name, _FIRST_UID + number, account, _FIRST_USER_ASSOCIATION + number)
    for number, (account, name) in enumerate((account, name) for account, names in ACCOUNTS.items() for name in names)
)
_LEARNERS: Final = tuple(person for person in PEOPLE if person.account == "learning")
# A few people submit most of the jobs.
_WEIGHTS: Final = tuple(1.0 / (1 + number * 7 % len(PEOPLE)) ** 0.7 for number in range(len(PEOPLE)))


def somebody(random: Random, *, gpu: bool) -> Person:
    """Who submits a job; those who train models are most of those on GPUs."""
    if gpu and random.random() < 0.75:
        return random.choice(_LEARNERS)
    return random.choices(PEOPLE, _WEIGHTS)[0]


def program(random: Random, person: Person) -> str:
    """The name of a job of this person."""
    return random.choice(_PROGRAMS[person.account])
