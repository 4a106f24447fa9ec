"""Names of users and groups are looked up once and cached."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.user_names import UserNames


class Directory:
    """A name service that records its lookups."""

    def __init__(self) -> None:
        self.lookups: list[object] = []
        self.users = {1001: "ada"}

    def user_name(self, uid: int) -> str:
        self.lookups.append(uid)
        return self.users[uid]

    def user_id(self, name: str) -> int:
        self.lookups.append(name)
        return {"ada": 1001}[name]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def names(directory: Directory, clock: Clock) -> UserNames:
    return UserNames(directory.user_name, directory.user_name, directory.user_id, clock, life_seconds=60)


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    names = UserNames(lambda _uid: "m\udcfcller", lambda _gid: "gr\udcfcn", int)
    assert (names.user(1), names.group(1)) == ("m\ufffdller", "gr\ufffdn")


def test_known_and_unknown_ids_are_looked_up_once(names: UserNames, directory: Directory) -> None:
    assert [names.user(1001), names.user(1001), names.user(4242), names.user(4242)] == ["ada", "ada", "4242", "4242"]
    assert directory.lookups == [1001, 4242]


def test_names_are_looked_up_again_after_their_lifetime(names: UserNames, directory: Directory, clock: Clock) -> None:
    assert names.user(4242) == "4242"
    directory.users[4242] = "grace"
    names.expire()
    assert names.user(4242) == "4242"
    clock.now = 60
    names.expire()
    assert names.user(4242) == "grace"


def test_groups_and_users_with_one_id_are_looked_up_apart(names: UserNames, directory: Directory) -> None:
    assert (names.user(1001), names.group(1001)) == ("ada", "ada")
    assert directory.lookups == [1001, 1001]


@pytest.mark.parametrize(
    ("name", "uid"), [("ada", 1001), ("4242", 4242), ("unknown-user", None), (None, None), ("", None)]
)
def test_names_have_uids(names: UserNames, name: str | None, uid: int | None) -> None:
    assert names.uid_of(name) == uid


def test_a_name_with_a_nul_has_no_uid() -> None:
    assert UserNames().uid_of("\x00") is None


@pytest.mark.parametrize("name", ["9" * 5000, "99999999999", "\u0661", "\u00b2"])
def test_a_name_that_only_looks_like_a_number_has_no_uid(name: str) -> None:
    assert UserNames().uid_of(name) is None
    assert UserNames().uid_of("4294967295") == 4294967295


def test_names_that_clients_make_up_do_not_fill_the_memory() -> None:
    asked: list[str] = []

    def user_id(name: str) -> int:
        asked.append(name)
        raise KeyError(name)

    names = UserNames(user_id=user_id)
    for number in range(10_001):
        names.uid_of(f"made_up_{number}")
    names.uid_of("made_up_0")
    assert asked[-2:] == ["made_up_10000", "made_up_0"]
