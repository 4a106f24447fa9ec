"""A population of job records, and the expected answers of /history for any filters, computed in plain Python.

The rules are those of the README: nothing here knows SQL or the code under test.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.acctapi.slurmdbd_rows import CLUSTER_ID, INFINITE, JOB_ROW, NO_VAL, at_least

Row = dict[str, Any]
Query = Mapping[str, Any]

BEGIN: Final = 1_750_000_000
SPAN_SECONDS: Final = 40 * 86400
HIDDEN: Final = "secret"

NODES: Final[dict[str | None, frozenset[str]]] = {
    None: frozenset(), "": frozenset(), "(null)": frozenset(), "None assigned": frozenset(),
    "rack001": frozenset({"rack001"}),
    "rack[001-003]": frozenset({"rack001", "rack002", "rack003"}),
    "rack[002,004-005],login1": frozenset({"rack002", "rack004", "rack005", "login1"}),
    "gpu-a[1-2]-ib": frozenset({"gpu-a1-ib", "gpu-a2-ib"}),
    "rack0011": frozenset({"rack0011"}),
}  # fmt: skip
"""Hostlists of records and of queries, with the nodes that they name."""

NAMES: Final = (
    "align", "Align", "align ", "älign", "it's", "a%b", "a_b", "axb", "🚀", 'quote"d', "back\\slash",
    "x" * 255,
)  # fmt: skip
PARTITIONS: Final = ("main", "long", "Main", "ma_n", HIDDEN)
STATES: Final = (0, 1, 2, 3, 4, 5, 6, 7, 1024, 8192, 524288)
# Associations of tests.acctapi.slurmdbd_associations with the user's name, number and account. None has no user.
OWNERS: Final = {
    4: ("alice", 2001, "physics"), 5: ("bob", 2002, "physics"), 6: ("bob", 2002, "biology"),
    8: ("gone", 2004, "physics"), 2: ("root", 0, "root"), 0: None, 99: None,
}  # fmt: skip
QOS: Final = {"normal": 1, "urgent": 2, "spare": 3}
# Users of this host. Other numbers have no name on it.
_HOST_USERS: Final = {0: "root"}


def population(release: str, count: int, seed: int) -> list[Row]:
    """Generates about `count` rows in insertion order, with the keys of the release."""
    dice = random.Random(seed)  # noqa: S311
    made: list[tuple[int, Row]] = []
    while len(made) < count:
        made += _job(dice, release, 1000 + len(made))
    made.sort(key=lambda pair: pair[0])
    return [{**row, "job_db_inx": _key(release, moment, number)} for number, (moment, row) in enumerate(made, 1)]


def _key(release: str, moment: int, number: int) -> int:
    return (CLUSTER_ID << 52) | (moment * 1000 << 10) | number if at_least(release, "24.11") else 3 * number


def _job(dice: random.Random, release: str, id_job: int) -> Iterator[tuple[int, Row]]:
    """Generates the rows of one job or array, each with the second in which it was recorded."""
    submitted = BEGIN + dice.randrange(SPAN_SECONDS)
    kind = dice.choice(["job"] * 6 + ["requeued", "resized", "array"])
    first = _row(dice, release, id_job, submitted)
    # slurmctld sometimes sends a record a little late.
    yield submitted + dice.choice((0, 0, 1, 100)), first
    if kind == "array":
        for task in range(dice.randrange(1, 6)):
            row = _row(dice, release, id_job + 1 + task, submitted, state=dice.choice((3, 5, 4)))
            row |= {"id_array_job": id_job, "id_array_task": task}
            yield row["time_start"] or row["time_end"], row
        first |= {"id_array_job": id_job}
    elif kind != "job":
        first |= _times(dice, submitted, closed := 1024 if kind == "requeued" else 8192) | {"state": closed}
        second = submitted + dice.randrange(1, 86400)
        again = dict(first) if dice.random() < 0.5 else _row(dice, release, id_job, second)
        yield second, {**again, "time_submit": second, **_times(dice, second, state := dice.choice((1, 3, 5))),
                       "state": state}  # fmt: skip


def _row(dice: random.Random, release: str, id_job: int, submitted: int, state: int | None = None) -> Row:
    known = STATES if at_least(release, "17.02") else [number for number in STATES if number < 65536]
    state = dice.choice((0, *known)) if state is None else state
    association = dice.choice(list(OWNERS))
    owner = OWNERS[association]
    partition = dice.choice(PARTITIONS)
    if state == 0 and dice.random() < 0.8:
        partition = ",".join(dice.choices(("main", "long", HIDDEN), k=2))
    return {
        **JOB_ROW,
        "id_job": id_job,
        "id_assoc": association,
        "id_user": owner[1] if owner else dice.choice((0, 2001, 987654)),
        "account": owner[2] if owner else dice.choice(("physics", "visitors", "Physics", None)),
        "job_name": dice.choice(NAMES),
        "partition": partition,
        "nodelist": dice.choice([text for text in NODES if state or not NODES[text]]),
        "id_qos": dice.choice((0, *QOS.values())),
        "state": state,
        "time_submit": submitted,
        "kill_requid": 0,
        **_times(dice, submitted, state),
    }


def _times(dice: random.Random, submitted: int, state: int) -> Row:
    started = submitted + dice.choice((0, 5, 7000, 90000))
    ended = 0 if state in (0, 1, 2) else started + dice.choice((0, 60, 4000, 200000))
    if state == 0 or (state == 4 and dice.random() < 0.5):
        started = 0
    if state == 4 and dice.random() < 0.1:
        # Repairing runaway jobs writes this for a job that was never eligible.
        ended = INFINITE
    return {"time_start": started, "time_end": ended}


def answer(rows: list[Row], query: Query) -> list[str]:
    """Returns the expected `id_record`s of /history in order. `query` has the parameters by name."""
    found = [
        row
        for row in rows
        if _is_shown(row)
        and all(_FILTERS[name](row, query[name]) for name in query if name in _FILTERS and query[name])
    ]
    if query.get("duplicates") == "false":
        found = _latest_attempts(found)
    by_job = "jobid" in query
    found.sort(key=lambda row: (row["id_job"] * by_job, row["time_submit"] * by_job, row["job_db_inx"]), reverse=True)
    return [str(row["job_db_inx"]) for row in found]


def _is_shown(row: Row) -> bool:
    return set(row["partition"].split(",")) != {HIDDEN}


def _latest_attempts(rows: list[Row]) -> list[Row]:
    rows = [row for row in rows if row["state"] != 524288]
    latest = {row["id_job"]: row["time_submit"] for row in sorted(rows, key=lambda row: row["time_submit"])}
    return [row for row in rows if row["state"] == 8192 or row["time_submit"] == latest[row["id_job"]]]


def _user_name(row: Row) -> str:
    owner = OWNERS[row["id_assoc"]]
    return owner[0] if owner else _HOST_USERS.get(row["id_user"], str(row["id_user"]))


def _by_user(row: Row, users: str) -> bool:
    return any(row["id_user"] == int(user) if user.isdigit() else _user_name(row) == user for user in users.split(","))


def _by_account(row: Row, accounts: str) -> bool:
    owner = OWNERS[row["id_assoc"]]
    return (owner[2] if owner else row["account"]) in _spelled(accounts)


def _by_partition(row: Row, names: str) -> bool:
    shown = [name for name in row["partition"].split(",") if name != HIDDEN]
    if r"\," in names:
        return names.replace(r"\,", ",") == ",".join(shown)
    return any(name in shown for name in names.split(","))


def _by_qos(row: Row, names: str) -> bool:
    return row["id_qos"] in [QOS.get(name) for name in _spelled(names)]


def _spelled(names: str) -> set[str]:
    """Returns the names, and as Slurm's commands look for them: in small letters."""
    return {spelling for name in names.split(",") for spelling in (name, name.lower())}


def _by_state(row: Row, numbers: str) -> bool:
    return str(row["state"]) in numbers.split(",")


def _by_job_id(row: Row, texts: list[str]) -> bool:
    """Returns True if the row meets all comparisons and has any of the ids after equals signs."""
    compare: dict[str, Callable[[int, int], bool]] = {
        "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    }  # fmt: skip
    ids = [name for text in texts if text[0] == "=" for name in text[1:].split(",")]
    for text in texts:
        sign = text.rstrip("0123456789")
        if sign in compare and not compare[sign](row["id_job"], int(text.removeprefix(sign))):
            return False
    return not ids or str(row["id_job"]) in ids or f"{row['id_array_job']}_{row['id_array_task']}" in ids


def _after(column: str) -> Callable[[Row, int], bool]:
    return lambda row, moment: _is_known(row[column]) and row[column] >= moment


def _before(column: str) -> Callable[[Row, int], bool]:
    return lambda row, moment: _is_known(row[column]) and row[column] < moment


def _is_known(moment: int) -> bool:
    return moment not in (0, NO_VAL, INFINITE)


_FILTERS: Final[dict[str, Callable[[Row, Any], bool]]] = {
    "user": _by_user,
    "account": _by_account,
    "partition": _by_partition,
    "jobname": lambda row, names: row["job_name"] in [name.replace("\\ ", " ") for name in names.split(",")],
    "qos": _by_qos,
    "associd": lambda row, numbers: str(row["id_assoc"]) in numbers.split(","),
    "node": lambda row, nodes: not NODES[row["nodelist"]].isdisjoint(NODES[nodes]),
    "state": _by_state,
    "jobid": _by_job_id,
    **{f"{word}after": _after(f"time_{word}") for word in ("submit", "start", "end")},
    **{f"{word}before": _before(f"time_{word}") for word in ("submit", "start", "end")},
}
