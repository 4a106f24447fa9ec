"""Measures the live routes, slurmrestd and squeue on one real Slurm, in one run.

    python3 -m benchmarks.peers --output benchmarks/results/peers.md

Run by root in the checkout, on Debian with `nginx` and `wrk`, on an idle machine. It brings up the cluster of
`tests/testbed`, submits jobs, measures the deployed service, stops it, measures slurmrestd and squeue with the same
questions, and takes the cluster down. `--only PART` keeps the other part from `--results`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import peers_report
from benchmarks.client_load import Row, measure_port, measure_route
from benchmarks.commands import measure_command
from benchmarks.deployment import static_files
from benchmarks.document import machine, write_between_marks
from benchmarks.figures import keep
from benchmarks.live_measurements import newest_api
from benchmarks.measure import Client
from benchmarks.on_testbed import DeploymentOnSlurm, Slurm, on_slurm
from benchmarks.peer_questions import QUESTIONS
from benchmarks.resource_usage import measured
from tests.testbed.bringup import down, up
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT, layout_from
from tests.testbed.service import free_port
from tests.testbed.steps import TestbedError, say, step, wait_until

_USERS: Final = ("alice", "bob", "carol")
_PARTITIONS: Final = "main,high,long"
_RUNNING: Final = 40
_CHANGED_SHARE: Final = 100
_FIELDS: Final = "fields=job_id,name,job_state,priority&limit=100"
_IDLE_SECONDS: Final = 5

Rows = Iterator[Row]


def ours(slurm: Slurm, options: argparse.Namespace) -> Rows:
    """Measures the service's routes with many clients."""
    pending = _job_ids(slurm.cluster)
    jobs = iter(pending)
    with step("start the service"), on_slurm(slurm) as service:
        one = next(jobs)
        for clients in options.clients:
            say(f"  ours, {clients} clients")
            yield from _measure_clients(service, clients, options.seconds, one)
            yield _changes(
                service, [next(jobs) for _ in range(options.jobs // _CHANGED_SHARE)], clients, options.seconds
            )
            yield {"question": "all jobs"} | measure_route(
                service, "`/queue`, gzip", ["/queue"], clients, options.seconds
            )
        states = ["/queue?fields=job_id,job_state"]
        yield {"question": "all jobs' states"} | measure_route(
            service, f"`{states[0]}`, gzip", states, 1, options.seconds
        )
        for question in QUESTIONS:
            say(f"  ours, {question.name}")
            paths = question.paths(pending)
            yield {"question": question.name} | measure_route(service, question.request, paths, 1, options.seconds)
        plain = measure_port(service, service.port, "`/queue`, plain", ["/queue"], {}, 1, options.seconds)
        yield {"question": "all jobs"} | plain


def _measure_clients(service: DeploymentOnSlurm, clients: int, seconds: int, job: str) -> Rows:
    tag = service.fetch("/partitions")[0]["ETag"]
    yield {"question": "partitions"} | measure_route(
        service, "304 of `/partitions`", ["/partitions"], clients, seconds, tag=tag
    )
    yield {"question": "partitions"} | measure_route(service, "`/partitions`", ["/partitions"], clients, seconds)
    page = [f"/queue?user=alice&{_FIELDS}"]
    yield {"question": "a user's jobs"} | measure_route(service, f"`{page[0]}`", page, clients, seconds)
    yield {"question": "one job"} | measure_route(service, "`/queue/<jobid>`", [f"/queue/{job}"], clients, seconds)


def _changes(service: DeploymentOnSlurm, jobs: list[str], clients: int, seconds: int) -> Row:
    """Measures `since=` after `jobs` were held and a load has seen it."""
    path = f"/queue?since={service.version()}"
    service.slurm.cluster.run(["scontrol", "hold", ",".join(jobs)], timeout=120)
    at_once = Client(f"http://127.0.0.1:{service.port}", {"Cache-Control": "no-cache"})
    at_once.get("/queue?limit=1")
    at_once.close()
    wait_until(
        "the held jobs to be among the changes",
        lambda: len(service.fetch(path)[1]["data"]),
        lambda changed: changed >= len(jobs),
        timeout=120,
        interval=1,
    )
    row = measure_route(service, f"`/queue?since=…`, {len(jobs):,} jobs were held", [path], clients, seconds)
    return {"question": "what has changed"} | row


def limits(slurm: Slurm, rows: Sequence[Row], options: argparse.Namespace) -> Rows:
    """Measures nginx with files of the sizes of the responses in `rows`, without the service."""
    sizes = {f"{index}": int(row["bytes_a_request"]) for index, row in enumerate(rows)}
    port = free_port()
    with static_files(slurm.folder, port, {name: os.urandom(size) for name, size in sizes.items()}):
        for (name, size), row in zip(sizes.items(), rows, strict=True):
            if row["clients"] <= options.most_callers:
                say(f"  a file of {size:,} bytes, {row['clients']} clients")
                found = measure_port(slurm, port, row["request"], [f"/{name}"], {}, row["clients"], options.seconds)
                yield {"question": row["question"]} | found


def peers(slurm: Slurm, options: argparse.Namespace) -> Rows:
    """Measures slurmrestd and squeue while the service is stopped."""
    cluster = slurm.cluster
    job = _job_ids(cluster)[0]
    with measured(slurm) as idle:
        time.sleep(_IDLE_SECONDS)
    yield {"question": "idle", "request": "idle", "clients": 0, "cpu": idle.cpu, "seconds": idle.seconds}
    yield from _commands(slurm, options, job)
    headers = {"X-SLURM-USER-TOKEN": cluster.token("alice")}
    client = Client(cluster.slurmrestd_url, headers)
    base = f"/slurm/{newest_api(client)}"
    client.close()

    def rest(question: str, path: str, clients: int) -> Row:
        say(f"  slurmrestd {path}, {clients} clients")
        name, port = f"slurmrestd `{base}{path.replace(job, '<jobid>')}`", cluster.ports.slurmrestd
        row = measure_port(slurm, port, name, [f"{base}{path}"], headers, clients, options.seconds)
        return {"question": question} | row

    for clients in options.clients:
        yield rest("one job", f"/job/{job}", clients)
        yield rest("partitions", "/partitions/", clients)
    for asked in QUESTIONS:
        if asked.rest:
            yield rest(asked.name, asked.rest.replace("<jobid>", job), 1)
    for question, path in (("all jobs' states", f"{base}/jobs/state/"), ("all jobs", f"{base}/jobs/")):
        yield {"question": question} | _once(slurm, f"slurmrestd `{path}`", path, headers)


def _commands(slurm: Slurm, options: argparse.Namespace, job: str) -> Rows:
    def command(question: str, argv: list[str], callers: int, seconds: float) -> Row:
        say(f"  {' '.join(argv)}, {callers} callers")
        row = measure_command(slurm, argv, callers, seconds)
        return {"question": question} | row | {"request": f"`{' '.join(argv).replace(job, '<jobid>')}`"}

    page = ["squeue", "--noheader", "--user=alice", "--format=%A %j %T %Q"]
    for callers in [clients for clients in options.clients if clients <= options.most_callers]:
        yield command("one job", ["squeue", "--noheader", f"--jobs={job}"], callers, options.seconds)
        yield command("one job", ["squeue", "--json", f"--jobs={job}"], callers, options.seconds)
        yield command("partitions", ["sinfo", "--noheader", "--summarize"], callers, options.seconds)
        yield command("a user's jobs", page, callers, options.seconds)
    for asked in QUESTIONS:
        for text, line in asked.lines(job):
            yield command(asked.name, ["sh", "-c", line], 1, options.seconds) | {"request": text}
    yield command("all jobs' states", ["squeue", "--all", "--noheader", "--format=%A %T"], 1, options.seconds)
    yield command("all jobs", ["squeue", "--all", "--noheader"], 1, options.seconds)
    yield command("all jobs", ["squeue", "--all", "--json"], 1, 0)


def _once(slurm: Slurm, name: str, path: str, headers: dict[str, str]) -> Row:
    """Measures a single request, as one takes longer than a whole run of the others."""
    say(f"  {name}, once")
    client = Client(slurm.cluster.slurmrestd_url, headers)
    with measured(slurm) as usage:
        answer = client.get(path)
    client.close()
    times = dict.fromkeys(("p50", "p99", "p999"), 1000 * answer.seconds)
    found = {
        "requests": 1,
        "rate": 1 / answer.seconds,
        "bytes_a_request": answer.size,
        "failed": int(answer.status != 200),
    }
    message = {"cpu": usage.cpu, "seconds": usage.seconds, "peak_pss_mib": usage.peak_pss_mib}
    return {"request": name, "clients": 1, **times, **found, **message}


PARTS: Final[dict[str, Callable[[Slurm, argparse.Namespace], Rows]]] = {"ours": ours, "peers": peers}


def main(arguments: list[str]) -> int:
    """Brings the cluster up, measures, takes it down and writes the results. Returns the exit status."""
    options = _parser().parse_args(arguments)
    results: dict[str, Any] = json.loads(options.results.read_text()) if options.results.exists() else {}
    layout = layout_from(os.environ)
    try:
        cluster = Cluster(layout, up(layout))
        try:
            results["machine"] = machine(cluster)
            _fill(cluster, options.jobs)
            with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
                Path(name).chmod(0o755)
                for part in options.only or PARTS:
                    with step(f"measure {part}"):
                        results[part] = list(PARTS[part](Slurm(cluster, Path(name)), options))
                    if part == "ours":
                        with step("measure nginx with files"):
                            results["limits"] = list(limits(Slurm(cluster, Path(name)), results["ours"], options))
                    options.results.write_text(json.dumps(results, indent=1))
        finally:
            down(layout)
    except TestbedError as error:
        say(f"benchmark: {error}")
        return 1
    text = peers_report.text(results, options.jobs, _RUNNING)
    print(text)
    if options.output is not None:
        write_between_marks(options.output, text, "peers")
    keep(options.figures, "peers", peers_report.figures(results))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=50_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 50, 500])
    parser.add_argument("--most-callers", type=int, default=50, help="of a command at once (each is a process)")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--results", type=Path, default=Path("peers-results.json"))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--figures", type=Path, help="keep the figures for the table of all benchmarks here")
    return parser


def _fill(cluster: Cluster, jobs: int) -> None:
    if cluster.shell.output("squeue", "-h", "-a", "-r").strip():
        raise TestbedError("the cluster already has jobs. Remove them with 'python3 -m tests.testbed down'.")
    with step(f"start {_RUNNING} running jobs"):
        for number in range(_RUNNING):
            cluster.submit(user=_USERS[number % len(_USERS)], wrap="exec sleep 7000", mem_per_cpu=100, time="02:00:00")
    share = -(-jobs // len(_USERS))
    program = [f"{VENV_IN_ROOT}/bin/python", f"{CHECKOUT_IN_ROOT}/benchmarks/submit_jobs.py", str(share), _PARTITIONS]
    with step(f"submit {jobs:,} pending jobs"):
        submitters = [cluster.popen(program, user=user) for user in _USERS]
        for submitter in submitters:
            printed, _ = submitter.communicate(timeout=60 + jobs / 20)
            if submitter.returncode:
                raise TestbedError(f"submitting failed with exit status {submitter.returncode}: {printed}")


def _job_ids(cluster: Cluster) -> list[str]:
    """Returns the ids of alice's pending jobs."""
    return cluster.shell.output("squeue", "-h", "-u", "alice", "-t", "PD", "-o", "%A").split()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
