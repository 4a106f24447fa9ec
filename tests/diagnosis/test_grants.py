"""What an account may do beyond what it needs, from lines as MariaDB and MySQL write them."""

from __future__ import annotations

import pytest

from slurm_rest_api.diagnosis.grants import surplus

USAGE = "GRANT USAGE ON *.* TO `reader`@`localhost` IDENTIFIED BY PASSWORD '*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4'"


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("GRANT SELECT ON `acct`.`c_job_table` TO `reader`@`localhost`", []),
        ("GRANT SELECT (`id_job`, `state`) ON `acct`.`c_job_table` TO `reader`@`localhost`", []),
        ("GRANT SELECT ON `acct`.* TO `reader`@`localhost`", ["SELECT on acct.*"]),
        ("GRANT SELECT ON *.* TO `reader`@`%`", ["SELECT on *.*"]),
        ("GRANT SELECT ON `other`.`t` TO `reader`@`%`", ["SELECT on other.t"]),
        ("GRANT SELECT ON `slurm\\_acct`.* TO `reader`@`%`", ["SELECT on slurm_acct.*"]),
        (
            "GRANT SELECT, INSERT, UPDATE (`a`, `b`) ON `acct`.`c_job_table` TO `reader`@`%`",
            ["INSERT on acct.c_job_table", "UPDATE on acct.c_job_table"],
        ),
        ("GRANT ALL PRIVILEGES ON `acct`.* TO `slurm`@`localhost`", ["ALL PRIVILEGES on acct.*"]),
        (
            "GRANT SELECT ON `acct`.`c_job_table` TO `reader`@`%` WITH GRANT OPTION",
            ["GRANT OPTION on acct.c_job_table"],
        ),
        ("GRANT `readers`@`%` TO `reader`@`%`", []),
    ],
)
def test_rights_beyond_reading_tables_are_named(grant: str, expected: list[str]) -> None:
    assert surplus([USAGE, grant], "acct") == expected


def test_the_hash_of_the_password_is_never_told() -> None:
    assert surplus([USAGE.replace("USAGE", "SUPER")], "acct") == ["SUPER on *.*"]
