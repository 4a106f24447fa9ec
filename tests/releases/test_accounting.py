"""`/history` against sacct, and `/users` against sacctmgr, with the tables of each release's slurmdbd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import Row, differences
from tests.cluster.sacct_truth import ASSOC_ROWS, JOB_ROWS, Facts, read_associations, read_sacct
from tests.conftest import make_client
from tests.releases.conftest import assert_agrees
from tests.releases.scene import Scene
from tests.testbed.cluster import Cluster
from tests.testbed.steps import wait_until

# sacct's rows end with a newline, and its columns with the separator.
_NOT_IN_A_ROW: Final = ("name_lines", "comment_lines", "name_separators", "comment_separators")
_ENDS: Final = {"completed": "COMPLETED", "exit_137": "FAILED", "killed": "FAILED", "cancelled": "CANCELLED"}


@pytest.fixture(scope="module")
def accounting(release: Cluster, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Returns a client of a service that reads the tables of the release's slurmdbd."""
    for kind, state in _ENDS.items():
        release.wait_accounted(scene.ids[kind], state)
    with real_accounting(release, tmp_path_factory.mktemp("run")) as settings:
        yield make_client(settings)


def _answer(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def _known_rows(cluster: Cluster) -> list[Row]:
    """Returns the rows whose columns the release's sacct has."""
    known = set(cluster.run(["sacct", "--helpformat"]).stdout.lower().split())
    rows = [row for row in JOB_ROWS if row.slurm.lower() in known]
    if cluster.release.startswith("22."):
        # The record of a requeued job keeps the nodes of the attempt before.
        rows = [row for row in rows if row.field != "nodes_alloc"]
    if cluster.suite.is_whole:
        return rows
    # sacct of older releases prints 9:0 where scontrol prints 137:0.
    return [replace(row, ours=_without_128) if row.field == "exit_code" else row for row in rows]


def _without_128(code: int) -> int:
    return code - 128 if code >= 128 else code


def _records(cluster: Cluster, scene: Scene, rows: list[Row]) -> dict[str, Facts]:
    jobs = [str(job) for kind, job in scene.ids.items() if kind not in _NOT_IN_A_ROW]
    printed = read_sacct(cluster, "-D", "-j", ",".join(jobs), rows=rows)
    return {facts["DBIndex"]: facts for facts in printed}


def _unlike_history(cluster: Cluster, client: FlaskClient, scene: Scene) -> list[str]:
    rows = _known_rows(cluster)
    before = _records(cluster, scene, rows)
    ours = {record["id_record"]: record for record in _answer(client, "/history?limit=1000&times=epoch")}
    after = _records(cluster, scene, rows)
    found = []
    for key in before.keys() & after.keys():
        record, hidden = ours.get(key, {}), _hidden_fields(before[key])
        expected = [row for row in rows if row.field not in hidden]
        lines = differences(expected, record, before[key], after[key])
        lines += [f"{field}: names the hidden partition" for field in hidden if "secret" in str(record.get(field))]
        found += [f"{before[key]['JobID']}: {line}" for line in lines]
    return found


def _hidden_fields(facts: Facts) -> list[str]:
    """Returns the fields that are not as sacct prints them, because they would name the hidden partition."""
    named = {"partition": "Partition", "submit_line": "SubmitLine"}
    return [field for field, slurm in named.items() if "secret" in facts.get(slurm, "")]


def test_every_record_is_what_sacct_prints(release: Cluster, accounting: FlaskClient, scene: Scene) -> None:
    assert_agrees(lambda: _unlike_history(release, accounting, scene))


def test_no_hidden_job_is_in_the_history(accounting: FlaskClient, scene: Scene) -> None:
    text = accounting.get("/history?limit=1000").text

    assert [word for word in ("mallory", *scene.hidden_words) if word in text] == []


def test_users_are_what_sacctmgr_prints(release: Cluster, accounting: FlaskClient) -> None:
    # `comment` is a column since 23.11.
    rows = [row for row in ASSOC_ROWS if row.slurm != "comment" or not release.release.startswith("22.")]
    said = wait_until("the associations", lambda: read_associations(release, rows), bool)
    ours = {record["id_assoc"]: record for record in _answer(accounting, "/users")}
    visible = {int(facts["id"]): facts for facts in said if facts["partition"] != "secret"}

    assert set(ours) == set(visible)
    wrong = {key: found for key in visible if (found := differences(rows, ours[key], visible[key], visible[key]))}
    assert wrong == {}
