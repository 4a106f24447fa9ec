"""The child process of smoke.py, run as a file. Reports one JSON line before and after each step.

The mode `symbols` only imports pyslurm (the caller sets PYSLURM_DISABLE_AUTO_INIT). The mode `controller` also reads
slurmctld. It imports nothing of slurm_rest_api, so that the test does not depend on the rest of the environment.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
from collections.abc import Callable
from typing import Any

MAX_LAYOUTS = 200
NO_CORES = "select/linear"
"""SelectType of clusters that allocate whole nodes. Their jobs have no layout."""


def report(**fields: Any) -> None:
    """Writes one line and flushes it, so that after a crash the last line is the last step."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def load_statistics(pyslurm: Any) -> None:
    """Loads the scheduler statistics with the class of this pyslurm release, or with the classic one."""
    if hasattr(getattr(pyslurm, "slurmctld", None), "Statistics"):
        pyslurm.slurmctld.Statistics.load()
    else:
        pyslurm.statistics().get()


def check_layouts(jobs: list[Any], node_names: set[str] | None, select_type: Callable[[], str | None]) -> int:
    """Reads the layout of running jobs, compares it with the nodes, and returns the number of layouts.

    pyslurm declares the C structure by hand, so a wrong build crashes here, or returns unknown names or too few nodes.
    `node_names` is None for a pyslurm without nodes.
    """
    running = [job for job in jobs if job.state == "RUNNING"][:MAX_LAYOUTS]
    for job in running:
        layout = job.get_resource_layout_per_node()
        unknown = set(layout) - node_names if node_names is not None else None
        if unknown:
            raise ValueError(f"the layout of job {job.id} has unknown nodes: {sorted(unknown)!r:.200}")
        expected = getattr(job, "num_nodes", None) or 0
        if len(layout) < expected and (layout or select_type() != NO_CORES):
            raise ValueError(f"the layout of job {job.id} has {len(layout)} of its {expected} nodes")
    return len(running)


def select_type_of(pyslurm: Any) -> str | None:
    """Returns SelectType of the cluster, None if this pyslurm cannot tell. It costs one RPC."""
    config = getattr(getattr(pyslurm, "slurmctld", None), "Config", None)
    if config is not None:
        return getattr(config.load(), "select_type", None)
    found = pyslurm.config().get().get("select_type") if hasattr(pyslurm, "config") else None
    return None if found is None else str(found)


def ask_controller(pyslurm: Any) -> None:
    """Loads each kind of record that this pyslurm has once, in steps."""
    kinds = [kind for kind in ("Jobs", "Nodes", "Partitions") if hasattr(pyslurm, kind)]
    if not kinds:
        raise ValueError(f"pyslurm {pyslurm.__version__} has none of Jobs, Nodes, Partitions")
    report(lacks=[kind for kind in ("Jobs", "Nodes", "Partitions") if kind not in kinds])
    found: dict[str, list[tuple[Any, Any]]] = {}
    for kind in kinds:
        report(step=kind.lower())
        found[kind] = list(getattr(pyslurm, kind).load().items())
        report(**{kind.lower(): len(found[kind])})
    if hasattr(getattr(pyslurm, "slurmctld", None), "Statistics") or hasattr(pyslurm, "statistics"):
        report(step="statistics")
        load_statistics(pyslurm)
    if "Jobs" in found:
        report(step="layout")
        names = {str(name) for name, _node in found["Nodes"]} if "Nodes" in found else None
        jobs = [job for _id, job in found["Jobs"]]
        report(layouts=check_layouts(jobs, names, lambda: select_type_of(pyslurm)))


def unavailable(pyslurm: Any, error: Exception) -> bool:
    """Returns True if slurmctld did not answer: RPCError, or ValueError(message, number) of the classic API."""
    if isinstance(error, getattr(pyslurm, "RPCError", ())):
        return True
    return type(error) is ValueError and len(error.args) == 2 and isinstance(error.args[1], int)


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
        except Exception as error:  # noqa: BLE001 - as above
            if unavailable(pyslurm, error):
                report(unavailable=str(error))
            else:
                report(error=f"{type(error).__name__}: {error}")
            return 0
    report(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
