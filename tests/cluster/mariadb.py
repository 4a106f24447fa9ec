"""A MariaDB server of a test's own: the program of the cluster's root, with its own folder and port."""

from __future__ import annotations

import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymysql

from tests.cluster.database_server import DatabaseServer
from tests.testbed.cluster import Cluster, DatabaseFacts
from tests.testbed.service import free_port
from tests.waiting import GIVE_UP_SECONDS, wait_for

_USER: Final = "admin"
_PASSWORD: Final = "own-Pa55"
_DATABASE: Final = "archive"
_INIT: Final = f"""\
DELETE FROM mysql.global_priv WHERE User = '';
FLUSH PRIVILEGES;
CREATE USER '{_USER}'@'%' IDENTIFIED BY '{_PASSWORD}';
GRANT ALL ON *.* TO '{_USER}'@'%' WITH GRANT OPTION;
CREATE DATABASE {_DATABASE};
"""


@contextmanager
def mariadb_server(cluster: Cluster) -> Iterator[tuple[DatabaseServer, DatabaseFacts]]:
    """Runs a server that a test can freeze. Gives an account with all rights, too."""
    inside, port = f"/var/tmp/mariadb-{uuid.uuid4().hex[:8]}", free_port()
    folder = cluster.path(inside)
    cluster.run(["install", "-d", "-o", "mysql", inside])
    (folder / "init.sql").write_text(_INIT)
    data = ["--no-defaults", f"--datadir={inside}/data", "--user=mysql"]
    cluster.run(["mariadb-install-db", *data, "--skip-test-db", "--auth-root-authentication-method=normal"])
    own = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={inside}/socket", f"--pid-file={inside}/pid"]
    small = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    command = ["mariadbd", *data, *own, *small, "--skip-name-resolve", f"--init-file={inside}/init.sql"]
    process = cluster.popen(command, log=folder / "log")
    facts = DatabaseFacts("127.0.0.1", port, _DATABASE, _USER, _PASSWORD)
    try:
        wait_for("MariaDB to answer", lambda: _answers(facts))
        pid = int((folder / "pid").read_text())
        yield DatabaseServer(f"mysql+pymysql://{_USER}:{_PASSWORD}@127.0.0.1:{port}/{_DATABASE}", pid), facts
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(GIVE_UP_SECONDS)
        shutil.rmtree(folder)


def _answers(facts: DatabaseFacts) -> bool:
    try:
        pymysql.connect(
            host=facts.host, port=facts.port, user=facts.user, password=facts.password, database=facts.name
        ).close()
    except pymysql.OperationalError:
        return False
    return True
