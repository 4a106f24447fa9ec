"""Associations, and the limits that they inherit from their accounts."""

from __future__ import annotations

from typing import Any

from slurm_rest_api.acctapi.associations import Associations, association_of
from tests.acctapi.rows import assoc_row

QOS = {1: "normal", 2: "urgent", 3: "long"}
TRES = {1: "cpu", 1001: "gres/gpu"}
SHARES_OF_PARENT = 2147483647


def tree(**alice: Any) -> Associations:
    rows = [
        assoc_row(id_assoc=1, qos=b",1,", max_wall_pj=1440, max_tres_pj="1=64,1001=8"),
        assoc_row(id_assoc=2, acct="science", parent_acct="root", max_jobs=50, def_qos_id=1, delta_qos=b",+3,"),
        assoc_row(id_assoc=3, acct="physics", parent_acct="science", max_tres_pj="1=32", grp_jobs=7),
        assoc_row(id_assoc=4, user="alice", acct="physics", is_def=1, **alice),
        assoc_row(id_assoc=5, user="alice", acct="science", partition="gpu"),
    ]
    return Associations(map(association_of, rows))


def record(associations: Associations, number: int) -> dict[str, Any]:
    row = associations.by_id(number)
    assert row is not None
    return associations.record(row, QOS, TRES)


def test_unset_limits_are_inherited_from_parent_accounts() -> None:
    shown = record(tree(), 4)
    assert (shown["max_jobs"], shown["max_wall"], shown["default_qos"]) == (50, 1440, "normal")
    # The nearest limit of each TRES applies. That of the GPUs is root's.
    assert shown["max_tres_per_job"] == {"cpu": 32, "gres/gpu": 8}
    # Group limits are not inherited.
    assert shown["grp_jobs"] is None
    assert record(tree(), 3)["grp_jobs"] == 7


def test_own_limits_take_precedence() -> None:
    shown = record(tree(max_jobs=0, max_wall_pj=10, max_tres_pj="1=1", def_qos_id=2), 4)
    assert (shown["max_jobs"], shown["max_wall"], shown["default_qos"]) == (0, 10, "urgent")
    assert shown["max_tres_per_job"] == {"cpu": 1, "gres/gpu": 8}


def test_qos_lists_are_inherited_with_their_changes() -> None:
    assert record(tree(), 4)["qos"] == ["normal", "long"]
    assert record(tree(delta_qos=b",-1,+2,"), 4)["qos"] == ["urgent", "long"]
    assert record(tree(qos=b",2,"), 4)["qos"] == ["urgent"]


def test_other_fields_of_a_record() -> None:
    shown = record(tree(shares=SHARES_OF_PARENT, comment="guest"), 4)
    assert (shown["user"], shown["acct"], shown["partition"], shown["deleted"]) == ("alice", "physics", None, False)
    assert (shown["default_account"], shown["is_default"], shown["parent_account"]) == ("physics", True, "science")
    assert (shown["shares"], shown["comment"]) == ("parent", "guest")
    other = record(tree(), 5)
    assert (other["partition"], other["default_account"], other["is_default"]) == ("gpu", "physics", False)


def test_ids_by_user_and_account() -> None:
    associations = tree()
    assert associations.ids_of_user("alice") == {4, 5}
    assert associations.ids_of_user("nobody") == frozenset()
    assert associations.ids_of_account("science") == {2, 5}


def test_a_cycle_of_accounts_terminates() -> None:
    rows = [
        assoc_row(id_assoc=1, acct="a", parent_acct="b"),
        assoc_row(id_assoc=2, acct="b", parent_acct="a", max_jobs=3),
        assoc_row(id_assoc=3, user="u", acct="a"),
    ]
    assert record(Associations(map(association_of, rows)), 3)["max_jobs"] == 3


USERS_ARE_COORDS = 65536


def coordinated(*flagged: str, **changes: Any) -> dict[str, set[str]]:
    """Returns the coordinators of accounts with the flag. root has science and other below it, science has physics."""
    accounts = (("root", ""), ("science", "root"), ("physics", "science"), ("other", "root"))
    users = (("alice", "physics"), ("bob", "science"), ("carol", "other"))
    rows = [
        *(
            assoc_row(id_assoc=number, acct=acct, parent_acct=parent, flags=USERS_ARE_COORDS * (acct in flagged) + 8)
            for number, (acct, parent) in enumerate(accounts)
        ),
        *(
            assoc_row(id_assoc=number, user=user, acct=acct, **changes)
            for number, (user, acct) in enumerate(users, len(accounts))
        ),
    ]
    return {user: set(found) for user, found in Associations(map(association_of, rows)).coordinated_by_flag().items()}


def test_users_coordinate_their_accounts_with_the_flag_users_are_coords() -> None:
    assert coordinated() == {}
    assert coordinated("physics") == {"alice": {"physics"}}
    # Alice's account is below it, so she is not a coordinator.
    assert coordinated("science") == {"bob": {"science"}}
    assert coordinated("science", "other") == {"bob": {"science"}, "carol": {"other"}}
    assert coordinated("science", "other", deleted=1) == {}


def test_accounts_with_their_descendants() -> None:
    assert tree().with_descendants(["science"]) == {"science", "physics"}
    assert tree().with_descendants(["physics", "elsewhere"]) == {"physics", "elsewhere"}
    assert tree().with_descendants([]) == frozenset()
