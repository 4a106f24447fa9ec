"""The child process of `cluster`: opens the source, loads everything once, and reports each step as a JSON line.

It is a separate process because importing pyslurm without a usable slurm.conf ends the process, after up to a
minute, and because a pyslurm that does not fit Slurm's library may crash. A source of the site's own may do the same.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable
from slurm_rest_api.processes.children import die_with_parent
from slurm_rest_api.slurmapi.sources.detect import SlurmAccess, open_source
from slurm_rest_api.slurmapi.sources.parts import origins_as_json
from slurm_rest_api.slurmapi.sources.slurm_source import origins_of


def main(source: str, bin_dir: str, record_dir: str) -> None:
    """Loads `source` once and reports the outcome. An unexpected error ends the process.

    `bin_dir` is the directory of Slurm's commands, empty for PATH. `record_dir` has the record of the collector, which
    says what it does not take from pyslurm.
    """
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _report(step="open")
    try:
        opened = open_source(source, SlurmAccess(bin_dir or None, record_dir=Path(record_dir)))
        _report(step="load", detail=opened.detail, parts=origins_as_json(origins_of(opened)))
        begin = time.monotonic()
        snapshot = opened.load()
        jobs = sum(1 for _ in snapshot.jobs)
    except SourceUnusable as error:
        _report(unusable=str(error))
    except SourceUnavailable as error:
        _report(unavailable=str(error))
    else:
        counts = {"jobs": jobs, "nodes": len(snapshot.nodes), "partitions": len(snapshot.partitions)}
        _report(done=True, seconds=time.monotonic() - begin, rpcs=opened.rpcs_of_last_load, **counts)


def _report(**fields: Any) -> None:
    # Bypasses Python's buffers, so that after a crash the last line is the last step.
    os.write(sys.stdout.fileno(), (json.dumps(fields) + "\n").encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
