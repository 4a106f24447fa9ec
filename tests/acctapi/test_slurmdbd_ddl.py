"""The declared tables of slurmdbd have the columns and keys that other tests rely on."""

from __future__ import annotations

import pytest

from slurm_rest_api.acctapi.tables import REQUIRED_ASSOC_COLUMNS, REQUIRED_JOB_COLUMNS, REQUIRED_STEP_COLUMNS
from tests.acctapi.slurmdbd_ddl import RELEASES, columns, create_table, keys, tables


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_has_the_required_columns(release: str) -> None:
    assert set(columns("job_table", release)) >= REQUIRED_JOB_COLUMNS
    assert set(columns("assoc_table", release)) >= REQUIRED_ASSOC_COLUMNS
    assert set(columns("step_table", release)) >= REQUIRED_STEP_COLUMNS


@pytest.mark.parametrize("release", RELEASES)
def test_keys_use_existing_columns(release: str) -> None:
    for table in tables(release):
        for key in keys(table, release).values():
            assert {part.partition("(")[0] for part in key.columns} <= set(columns(table, release))


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_has_the_forced_indexes(release: str) -> None:
    named = {"PRIMARY", "rollup2", "sacct_def", "association", "qos", "id_job", "array_job"}

    assert named <= set(keys("job_table", release))


def test_columns_differ_between_releases() -> None:
    old, middle, new = (columns("job_table", release) for release in ("15.08", "17.11", "26.05"))

    assert (old["job_db_inx"].type, new["job_db_inx"].type) == ("int unsigned", "bigint unsigned")
    assert ("pack_job_id" in old, "pack_job_id" in middle, "pack_job_id" in new) == (False, True, False)
    assert ("het_job_id" in middle, "het_job_id" in new) == (False, True)
    assert (old["kill_requid"], new["kill_requid"]) == (("int", False), ("int unsigned", True))
    assert "convert_version_table" not in tables("15.08")
    assert keys("job_table", "15.08")["id_job"].columns == ("id_job", "id_assoc", "time_submit")
    assert keys("job_table", "26.05")["id_job"].columns == ("id_job", "time_submit")


def test_create_table_statement() -> None:
    assert create_table("tres_table", "26.05", "tres_table") == (
        "CREATE TABLE `tres_table` (`creation_time` bigint unsigned NOT NULL DEFAULT 0,"
        " `deleted` tinyint NOT NULL DEFAULT 0, `id` int NOT NULL AUTO_INCREMENT,"
        " `type` tinytext NOT NULL DEFAULT '', `name` tinytext NOT NULL DEFAULT '',"
        " PRIMARY KEY (`id`), UNIQUE KEY `udex` (`type`(42), `name`(42))) ENGINE=InnoDB"
    )
