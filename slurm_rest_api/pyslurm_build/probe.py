"""The child process of smoke.py, run as a file. Reports one JSON line before and after each step.

The mode `symbols` only imports pyslurm (the caller sets PYSLURM_DISABLE_AUTO_INIT). The mode `controller` also reads
slurmctld. It imports nothing of slurm_rest_api, so that the test does not depend on the rest of the environment.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
from typing import Any

MAX_LAYOUTS = 200


def report(**fields: Any) -> None:
    """Writes one line and flushes it, so that after a crash the last line is the last step."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def load_statistics(pyslurm: Any) -> None:
    """Loads the scheduler statistics with the class of this pyslurm release."""
    if hasattr(getattr(pyslurm, "slurmctld", None), "Statistics"):
        pyslurm.slurmctld.Statistics.load()
    else:
        pyslurm.statistics().get()


def check_layouts(jobs: list[Any], node_names: set[str]) -> int:
    """Reads the layout of running jobs, compares it with the nodes, and returns the number of layouts.

    pyslurm declares the C structure by hand, so a wrong build crashes here or returns unknown names.
    """
    running = [job for job in jobs if job.state == "RUNNING"][:MAX_LAYOUTS]
    for job in running:
        unknown = set(job.get_resource_layout_per_node()) - node_names
        if unknown:
            raise ValueError(f"the layout of job {job.id} has unknown nodes: {sorted(unknown)!r:.200}")
    return len(running)


def ask_controller(pyslurm: Any) -> None:
    """Loads each kind of record once, in steps."""
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
    """Runs one mode. The exit status is 0 if the process could report its result."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    report(step="import")
    try:
        import pyslurm
    except Exception as error:  # noqa: BLE001 - reported to the parent, which decides
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
