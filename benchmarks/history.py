"""Measures /history and its neighbours over ten million records, with the query of 2018 and Slurm's commands as peers.

Run `python3 -m benchmarks.history` as root in the checkout, on an idle machine. It brings up the cluster of
`tests/testbed`, fills slurmdbd's own tables, measures, prints Markdown tables and takes the cluster down.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql
from flask.testing import FlaskClient

from benchmarks import history_report as report
from benchmarks import run_on_cluster
from benchmarks.document import machine, write_between_marks
from benchmarks.figures import keep
from benchmarks.history_measure import (
    ProcessorTime,
    Statements,
    deep_page,
    explained,
    first_page,
    look_up,
    measure,
    measure_old,
    watched_statements,
)
from benchmarks.history_peers import many_clients, peers, start
from benchmarks.history_questions import Answered, Question, ask, asked_figures, daemon, questions, table
from benchmarks.history_report import Line
from benchmarks.history_requests import PAGE_GOAL, Request, requests
from benchmarks.history_rows import Filled, connect, fill
from benchmarks.history_steps import fill_events, fill_steps, fill_usage
from slurm_rest_api.config import DatabaseSettings, Settings
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import CLUSTER, HIDDEN_PARTITION
from tests.testbed.steps import TestbedError, say, step

_JOB_TABLE = f"{CLUSTER}_job_table"


def main(arguments: list[str]) -> int:
    """Fills the table, measures and prints. Returns the exit status."""
    options = _parser().parse_args(arguments)
    return run_on_cluster.run(lambda cluster: _measure(cluster, options), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="records (default: ten million)")
    parser.add_argument("--steps-of", type=int, help="number of newest jobs with three steps each (default: all)")
    parser.add_argument("--times", type=int, default=50, help="requests of each kind (default: 50)")
    parser.add_argument("--old", action="store_true", help="also measure the queries of 2018: half a minute each")
    parser.add_argument("--output", type=Path, help="also write the tables between the marks of this file")
    parser.add_argument("--figures", type=Path, help="keep the figures for the table of all benchmarks here")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up, with its records, for another run")
    return parser


def _measure(cluster: Cluster, options: argparse.Namespace) -> str:
    connection = connect(cluster.database)
    filled = _filled(connection, options.rows)
    lines: list[Line] = []
    client = make_client(_settings(cluster))
    server = ProcessorTime(daemon(cluster, "mariadb"))
    with watched_statements() as statements:
        # The first request reads the reference data, so it is not measured.
        client.get("/history?account=acct7")
        for request in requests(filled):
            with step(f"measure {request.name}"):
                lines.append(_line(client, statements, connection, request, options, server))
    for line in lines:
        if options.old and line.request.classic:
            with step(f"measure the query of 2018 for {line.request.name}"):
                line.old = measure_old(connection, _JOB_TABLE, line.request)
    with step("measure sacct, slurmrestd and 50 clients"):
        service = start(cluster)
        try:
            others = peers(cluster, service, filled, 5, 1)
            many = many_clients(connection, service, DatabaseSettings().db_pool_size)
        finally:
            service.stop()
    size = _table_bytes(connection)
    answers = report.render(machine(cluster), filled, size, lines, others, many)
    least = look_up(connection)
    # These are kept if the questions fail.
    keep(options.figures, "history", report.figures(lines, least))
    if options.output is not None:
        write_between_marks(options.output, answers)
    found, steps = _ask(cluster, connection, filled, options)
    keep(options.figures, "accounting", asked_figures(found, least))
    return f"{answers}\n\n{table(found)}\n\nThe step table has {steps:,} rows."


def _ask(
    cluster: Cluster, connection: pymysql.Connection[Any], filled: Filled, options: argparse.Namespace
) -> tuple[list[Answered], int]:
    """Returns the measurements of sums, steps, events and usage, and the number of rows of the step table."""
    with step("write steps, usage and events"):
        fill_steps(connection, CLUSTER, options.steps_of or filled.rows, say)
        fill_usage(connection, CLUSTER, filled)
        fill_events(connection, CLUSTER, filled)
    # Events of shown nodes need a snapshot of the cluster, which these clients lack.
    all_shown = make_client(_settings(cluster, hidden=[]))
    some_hidden = make_client(_settings(cluster))

    def client_of(question: Question) -> FlaskClient:
        return all_shown if question.path.startswith("/events") else some_hidden

    with watched_statements() as statements:
        found = ask(cluster, client_of, statements, questions(connection, filled), options.times)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM `{CLUSTER}_step_table`")
        [[steps]] = cursor.fetchall()
    return found, int(steps)


def _filled(connection: pymysql.Connection[Any], rows: int) -> Filled:
    """Returns the filled table, from this run or from an earlier one with --keep."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), MIN(time_submit), MAX(mod_time) FROM `{_JOB_TABLE}`")
        [(present, first, last)] = cursor.fetchall()
    if present == rows:
        return Filled(rows, int(first), int(last) + 60)
    if present:
        raise TestbedError(f"the cluster has {present} records. Remove them with 'python3 -m tests.testbed down'.")
    with step(f"write {rows:,} records"):
        return fill(connection, CLUSTER, rows, say)


def _settings(cluster: Cluster, hidden: Sequence[str] = (HIDDEN_PARTITION,)) -> Settings:
    facts = cluster.database
    return Settings.model_validate({
        "system": {"use_acct_db": True, "runtime_dir": cluster.path("/tmp/bench-history")},  # noqa: S108
        "database": {
            "db_host": facts.host, "db_port": facts.port, "db_user": facts.user, "db_pass": facts.password,
            "db_name": facts.name, "table_job": _JOB_TABLE, "table_assoc": f"{CLUSTER}_assoc_table",
            "table_step": f"{CLUSTER}_step_table", "table_event": f"{CLUSTER}_event_table", "tables_usage": CLUSTER,
        },
        "filter": {"partitions": list(hidden)},
    })  # fmt: skip


def _line(
    client: FlaskClient,
    statements: Statements,
    connection: pymysql.Connection[Any],
    request: Request,
    options: argparse.Namespace,
    server: ProcessorTime,
) -> Line:
    first = measure(client, statements, first_page(request), options.times, server)
    line = Line(request, first)
    if line.is_missed:
        say(f"{request.name} misses its goal:\n{explained(connection, statements)}")
    if request.deep and (path := deep_page(client, request)) is not None:
        line.deep = measure(client, statements, path, options.times, server)
        if line.deep_median > PAGE_GOAL:
            say(f"{request.name}, page at 100,000, misses its goal:\n{explained(connection, statements)}")
    return line


def _table_bytes(connection: pymysql.Connection[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data_length + index_length FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name = %s",
            [_JOB_TABLE],
        )
        [[size]] = cursor.fetchall()
    return int(size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
