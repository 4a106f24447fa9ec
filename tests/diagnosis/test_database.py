"""Databases that cannot be reached, and surplus rights. tests/cluster tests a real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.diagnosis.database import check_database, surplus_rights
from slurm_rest_api.diagnosis.finding import Finding
from tests.acctapi.rows import settings_for, write_database
from tests.waiting import GIVE_UP_SECONDS

SECRET = "hunter2-Zq"


def checked(port: int, host: str = "127.0.0.1", seconds: int = int(GIVE_UP_SECONDS)) -> Finding:
    settings = DatabaseSettings.model_validate(
        {
            "db_host": host,
            "db_port": port,
            "db_user": "reader",
            "db_pass": SECRET,
            "db_connect_timeout": seconds,
        }
    )
    findings = check_database(settings)
    assert len(findings) == 1
    assert SECRET not in repr(findings)
    return findings[0]


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """Opens a port that sends `answer` to the client and closes. With None it never sends anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if answer is None:
            yield server.getsockname()[1]
            return
        thread = threading.Thread(target=_serve_once, args=(server, answer))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(GIVE_UP_SECONDS)
            assert not thread.is_alive()


def _serve_once(server: socket.socket, answer: bytes) -> None:
    server.settimeout(GIVE_UP_SECONDS)
    connection, _ = server.accept()
    with connection:
        connection.sendall(answer)


def error_packet(code: int, text: str) -> bytes:
    """Returns the server's refusal instead of its greeting (MySQL protocol: ERR_Packet, sequence 0)."""
    body = b"\xff" + code.to_bytes(2, "little") + text.encode()
    return len(body).to_bytes(3, "little") + b"\0" + body


def test_a_closed_port() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        finding = checked(port)
    assert (finding.verdict, finding.sentence) == ("problem", f"Nothing listens on 127.0.0.1:{port}.")
    assert finding.remedy == "Check `database.db_host`, `database.db_port` and bind-address of the server."


def test_an_unknown_host() -> None:
    finding = checked(3306, "no-such-host.invalid")
    assert finding.verdict == "problem"
    assert finding.sentence.startswith("Unknown host no-such-host.invalid: ")
    assert finding.remedy == "Check `database.db_host`."


def test_a_server_that_never_answers() -> None:
    with listening(None) as port:
        finding = checked(port, seconds=1)
    assert (finding.verdict, finding.sentence) == (
        "problem",
        f"127.0.0.1:{port} did not answer within 1 s (`database.db_connect_timeout`).",
    )


def test_a_server_that_refuses_this_host() -> None:
    with listening(error_packet(1130, "Host '127.0.0.1' is not allowed to connect")) as port:
        finding = checked(port)
    assert finding.verdict == "problem"
    assert finding.sentence == (
        f"127.0.0.1:{port} refuses connections from this host (Host '127.0.0.1' is not allowed to connect)."
    )


def test_other_refusals_are_shown_as_the_server_words_them() -> None:
    with listening(error_packet(1040, "Too many connections")) as port:
        finding = checked(port)
    assert (finding.verdict, finding.sentence) == ("problem", f"127.0.0.1:{port}: Too many connections (error 1040).")


def test_another_program_on_the_port() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        finding = checked(port)
    assert finding.verdict == "problem"
    assert finding.sentence.startswith(f"127.0.0.1:{port}: ")


def test_an_sqlite_file_is_checked_instead_of_a_server(tmp_path: Path) -> None:
    file = tmp_path / "acct.sqlite"
    settings = settings_for(file, tmp_path / "run").database
    (missing,) = check_database(settings)
    assert missing.verdict == "problem"
    write_database(file, [])
    assert check_database(settings) == [Finding("database", "ok", f"{file} has slurmdbd's tables.")]


# Lines as MariaDB and MySQL write them.
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
def test_surplus_rights_are_reported(grant: str, expected: list[str]) -> None:
    assert surplus_rights([USAGE, grant], "acct") == expected


def test_the_hash_of_the_password_is_not_shown() -> None:
    assert surplus_rights([USAGE.replace("USAGE", "SUPER")], "acct") == ["SUPER on *.*"]
