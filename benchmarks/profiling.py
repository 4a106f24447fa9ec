"""Where a web worker's time goes while clients ask, under uWSGI behind nginx over a made-up cluster: py-spy's samples.

    python -m benchmarks.profiling --uwsgi uwsgi --py-spy py-spy

It needs what `benchmarks.asking` needs and `py-spy` from PyPI. A share is of all samples with Python in them: `in it`
with all that it calls, `itself` without. Functions are named by module and name. Threads that wait (for a lock, a
file, their turn) are among the samples: under uWSGI py-spy cannot tell them from those that work, `--gil` or not.
"""

from __future__ import annotations

import argparse
import collections
import re
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Final

from benchmarks import wrk
from benchmarks.deployed import Deployed, deployed

_RATE: Final = 400
_FRAME: Final = re.compile(r"(?P<name>.*) \((?P<file>[^:()]*)(?::\d+)?\)")
_FIELDS: Final = "fields=job_id,name,job_state,priority&limit=100"

Stacks = list[tuple[list[str], int]]


def main() -> None:
    """Profile each kind of request and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--most", type=int, default=30, help="functions to print of each")
    parser.add_argument("--port", type=int, default=5977)
    parser.add_argument("--uwsgi", default="uwsgi")
    parser.add_argument("--py-spy", default="py-spy")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as name,
        deployed(Path(name), options.jobs, options.nodes, options.port, options.uwsgi) as service,
    ):
        for title, (paths, headers) in _requests(service, options.jobs).items():
            print(f"\n## {title}\n\n{_told(_sampled(service, options, paths, headers), options.most)}", flush=True)


def _requests(service: Deployed, jobs: int) -> dict[str, tuple[list[str], dict[str, str]]]:
    gzip = {"Accept-Encoding": "gzip"}
    tag = service.fetch("/partitions")[0]["ETag"]
    users = [f"/queue?user=user{number:03}&{_FIELDS}" for number in range(200)]
    many = [f"/queue/{number}" for number in range(1, jobs + 1, max(jobs // 5000, 1))]
    return {
        "304": (["/partitions"], gzip | {"If-None-Match": tag}),
        "a page of one user's jobs": (users[3:4], gzip),
        "a page of any of 200 users": (users, gzip),
        "one job": (["/queue/4711"], gzip),
        "any of 5,000 jobs": (many, gzip),
        "changes since the load before": ([f"/queue?since={service.version_before()}"], gzip),
        "the whole queue, gzip": (["/queue"], gzip),
    }


def _sampled(service: Deployed, options: argparse.Namespace, paths: list[str], headers: dict[str, str]) -> Stacks:
    """The samples of one worker, taken while clients ask."""
    load = (service.port, paths, headers, options.clients, options.seconds + 2, service.folder)
    asking = threading.Thread(target=wrk.run, args=load)
    worker = next(found for found in service.processes()["web workers"] if "uWSGI worker" in " ".join(found.cmdline()))
    output = service.folder / "samples.txt"
    argv = [
        options.py_spy,
        "record",
        "--pid",
        str(worker.pid),
        "--duration",
        str(options.seconds),
        "--rate",
        str(_RATE),
    ]
    asking.start()
    subprocess.run([*argv, "--format", "raw", "--output", str(output)], check=True, capture_output=True)
    asking.join()
    lines = (line.rpartition(" ") for line in output.read_text().splitlines())
    # Threads of uWSGI that wait have no frame of Python.
    return [([_named(frame) for frame in stack.split(";")], int(count)) for stack, _, count in lines if stack]


def _named(frame: str) -> str:
    """`get (werkzeug/datastructures/headers.py:5)` → `werkzeug.datastructures.headers get`."""
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    return f"{found['file'].removesuffix('.py').replace('/', '.')} {found['name']}"


def _told(stacks: Stacks, most: int) -> str:
    total = sum(count for _, count in stacks)
    within: collections.Counter[str] = collections.Counter()
    itself: collections.Counter[str] = collections.Counter()
    for stack, count in stacks:
        itself[stack[-1]] += count
        for frame in set(stack):
            within[frame] += count
    lines = [f"{total:,} samples", "", "| function | in it | itself |", "|---|---:|---:|"]
    for frame, count in within.most_common(most):
        lines.append(f"| `{frame}` | {100 * count / total:.0f} % | {100 * itself[frame] / total:.0f} % |")
    lines += [
        "",
        "Most by themselves: " + ", ".join(f"`{f}` {100 * c / total:.0f} %" for f, c in itself.most_common(15)),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
