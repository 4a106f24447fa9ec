"""The child process of smoke.py: run as a file, it reports one JSON line before and after each step.

Modes: `symbols` imports pyslurm and nothing else (the caller sets PYSLURM_DISABLE_AUTO_INIT); `controller` asks
slurmctld.
It imports nothing of slurm_rest_api, so that what it proves does not depend on the rest of the environment.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
from typing import Any

MAX_LAYOUTS = 200


def report(**fields: Any) -> None:
    """Write one line at once: after a crash, the last one tells where it happened."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def load_statistics(pyslurm: Any) -> None:
    """Load the scheduler statistics by the class that this pyslurm has for them."""
    if hasattr(getattr(pyslurm, "slurmctld", None), "Statistics"):
        pyslurm.slurmctld.Statistics.load()
    else:
        pyslurm.statistics().get()


def check_layouts(jobs: list[Any], node_names: set[str]) -> int:
    """Read the layout of running jobs and check it against the nodes; return how many were read.

    pyslurm declares the structure behind it by hand, so a wrong build shows here: by a crash or by names that are none.
    """
    running = [job for job in jobs if job.state == "RUNNING"][:MAX_LAYOUTS]
    for job in running:
        unknown = set(job.get_resource_layout_per_node()) - node_names
        if unknown:
            raise ValueError(f"the layout of job {job.id} names nodes that do not exist: {sorted(unknown)!r:.200}")
    return len(running)


def ask_controller(pyslurm: Any) -> None:
    """Load each kind of record once, one step after the other."""
    report(step="jobs")
    jobs = [job for _, job in pyslurm.Jobs.load().items()]
    report(step="nodes", jobs=len(jobs))
    names = {name for name, _ in pyslurm.Nodes.load().items()}
    report(step="partitions", nodes=len(names))
    partitions = len(list(pyslurm.Partitions.load().items()))
    report(step="statistics", partitions=partitions)
    load_statistics(pyslurm)
    report(step="layout")
    report(layouts=check_layouts(jobs, names))


def main(mode: str) -> int:
    """Run one mode; the exit status is 0 whenever the process lived to tell its findings."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    report(step="import")
    try:
        import pyslurm
    except Exception as error:  # noqa: BLE001 - whatever it is goes to the parent, which decides
        report(error=f"{type(error).__name__}: {error}")
        return 0
    report(version=pyslurm.__version__)
    if mode == "controller":
        try:
            ask_controller(pyslurm)
        except pyslurm.RPCError as error:
            report(unavailable=str(error))
            return 0
        except Exception as error:  # noqa: BLE001 - as above
            report(error=f"{type(error).__name__}: {error}")
            return 0
    report(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
