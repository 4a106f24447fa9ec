"""/fairshare of a running service against sshare: every field, filters, formats, and the cost."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract.fair_share import FairShareRecord
from tests.cluster.answers import ask, fresh
from tests.cluster.comparison import Row, differences, known, word
from tests.cluster.conftest import CONFIG, StartService
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.service import Service

Facts = dict[str, Any]
Records = dict[str, Facts]

TITLES = {
    "norm_shares": "NormShares",
    "norm_usage": "NormUsage",
    "effective_usage": "EffectvUsage",
    "fair_share": "FairShare",
    "level_fs": "LevelFS",
}


def _rounded(number: float | None) -> float | None:
    """Rounds to the six decimals that sshare prints."""
    return None if number is None else round(number, 6)


ROWS = [
    Row("account", "account"),
    Row("parent_account", "parent_account"),
    Row("user", "user"),
    Row("partition", "partition", word),
    Row("norm_shares", "shares_normalized.number", _rounded),
    Row("raw_usage", "usage", moving=True),
    Row("norm_usage", "usage_normalized.number", _rounded, moving=True),
    Row("effective_usage", "effective_usage.number", _rounded, moving=True),
    Row("raw_shares", "shares", known),
]


@dataclass(frozen=True)
class Reading:
    """/fairshare of a service, and sshare before and after it: JSON and text."""

    service: Service
    ours: Records
    before: Records
    after: Records
    text_before: dict[str, dict[str, str]]
    text_after: dict[str, dict[str, str]]


def _json(cluster: Cluster) -> Records:
    """Returns the associations of sshare's JSON by the name that the service gives them."""
    found: Records = {}
    for entry in json.loads(cluster.run(["sshare", "-l", "-a", "--json"]).stdout)["shares"]["shares"]:
        is_user = entry["type"] == ["USER"]
        own = {
            "account": entry["parent"] if is_user else entry["name"],
            "parent_account": None if is_user else word(entry["parent"]),
            "user": entry["name"] if is_user else None,
        }
        found[_key(own["account"], own["user"], entry["partition"])] = entry | own
    return found


def _text(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Returns the cells that sshare prints, by the name that the service gives the association."""
    printed = cluster.run(["sshare", "-l", "-a", "-m", "-P"]).stdout
    rows = csv.DictReader(io.StringIO(printed), delimiter="|")
    return {
        _key(row["Account"].strip(), row["User"], row["Partition"]): {name.replace(" ", ""): row[name] for name in row}
        for row in rows
    }


def _key(*parts: str | None) -> str:
    return "/".join(part for part in parts if part)


@pytest.fixture(scope="module")
def reading(cluster: Cluster, start: StartService) -> Reading:
    jobs = Jobs(cluster)
    cluster.wait_accounted(jobs.submit(user="carol", wrap="sleep 1"), "COMPLETED")
    service: Service = start(CONFIG.replace("system:", "system:\n  source: slurm:commands\n  fair_share_seconds: 1"))
    before, text_before = _json(cluster), _text(cluster)
    [ours] = fresh(service, "/fairshare")
    return Reading(service, ours, before, _json(cluster), text_before, _text(cluster))


def test_every_association_is_that_of_sshare(reading: Reading) -> None:
    assert reading.ours.keys() == reading.before.keys() == reading.after.keys()
    assert {"root", "physics", "physics/alice", "biology/carol"} <= reading.ours.keys()
    for name, record in reading.ours.items():
        FairShareRecord.model_validate(record)
        # The text of sshare has no shares and no normalized usage for the root account, the JSON has zeros.
        root = {"shares": {"set": False}, "usage_normalized": {"number": None}} if name == "root" else {}
        assert differences(ROWS, record, reading.before[name] | root, reading.after[name] | root) == [], name
        for field, title in TITLES.items():
            cells = [_decimal(text[name][title]) for text in (reading.text_before, reading.text_after)]
            assert record[field] in cells, (name, field)
        for field, title in (("tres_run_minutes", "TRESRunMins"), ("group_tres_minutes", "GrpTRESMins")):
            counts = [_counts(text[name][title]) for text in (reading.text_before, reading.text_after)]
            assert record[field] in counts, (name, field)


def _decimal(cell: str) -> float | None:
    number = float(cell or "nan")
    return number if math.isfinite(number) else None


def _counts(cell: str) -> dict[str, int]:
    return {name: int(count) for name, _, count in (item.rpartition("=") for item in cell.split(",") if item)}


def test_filters_orders_and_formats(reading: Reading) -> None:
    def names(query: str) -> set[str]:
        return set(ask(reading.service, f"/fairshare?{query}").json["data"])

    of = reading.before.items()
    assert names("user=alice,carol") == {name for name, told in of if told["user"] in ("alice", "carol")}
    assert names("account=physics") == {name for name, told in of if told["account"] == "physics"}
    assert names("account=physics&user=!alice") == names("account=physics") - names("user=alice")
    page = ask(reading.service, "/fairshare?shape=list&sort=-fair_share,name&limit=3&fields=name,fair_share").json
    ranked = sorted(
        (record for record in reading.ours.values() if record["fair_share"] is not None),
        key=lambda record: (-record["fair_share"], record["name"]),
    )
    assert [one["name"] for one in page["data"]] == [record["name"] for record in ranked[:3]]
    assert page["meta"]["next"]
    table = ask(reading.service, "/fairshare.csv?fields=name,account,user,norm_shares&user=alice,bob,carol").body
    rows = list(csv.reader(io.StringIO(table.decode())))
    shown = names("user=alice,bob,carol")
    assert rows[0] == ["name", "account", "user", "norm_shares"]
    assert {row[0] for row in rows[1:]} == shown
    assert {row[0]: float(row[3]) for row in rows[1:]} == {name: reading.ours[name]["norm_shares"] for name in shown}
    groups = ask(reading.service, "/fairshare?group_by=account").json["data"]
    assert {name: group["count"] for name, group in groups.items()} == {
        account: sum(told["account"] == account for _, told in of)
        for account in {told["account"] for _, told in of}
    }  # fmt: skip


def test_a_representation_is_revalidated(reading: Reading) -> None:
    first = ask(reading.service, "/fairshare?fields=account,raw_shares")
    again = ask(
        reading.service, "/fairshare?fields=account,raw_shares", headers={"If-None-Match": first.headers["etag"]}
    )
    changes = ask(reading.service, f"/fairshare?since={first.json['meta']['version']}").json
    # The usage of an association may decay between two readings, which changes its record.
    is_same = again.status == 304
    assert is_same or again.headers["etag"] != first.headers["etag"]
    assert changes["meta"]["gone"] == []
    assert changes["data"].keys() <= reading.ours.keys()
