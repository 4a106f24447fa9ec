"""Free loopback ports for the daemons: one contiguous block, chosen at a new start and kept in the state file.

Minutes may pass until the daemons of a new cluster listen. Until then the process that starts them keeps a socket bound
to the name of the block, so that another one chooses another block. The kernel closes it if the process is killed.
"""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from .layout import Layout
from .slurmnodes import NODES
from .steps import TestbedError

# Hundreds of ports that a suite tries, from its first.
_BLOCKS = 20


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1; slurmd of the n-th node (from 0) listens on `slurmd + n`."""

    mariadb: int
    slurmdbd: int
    slurmctld: int
    slurmrestd: int
    slurmd: int


def choose_ports(first: int, reservations: ExitStack) -> Ports:
    """Returns the first block from port `first` on that is not reserved, and whose ports can all be bound.

    The block is reserved until `reservations` ends.

    Raises:
        TestbedError: there is none.
    """
    bases = range(first, first + 100 * _BLOCKS, 100)
    for base in bases:
        needed = 4 + len(NODES)
        with ExitStack() as tried:
            if _reserve(base, tried) and all(_is_free(base + offset) for offset in range(needed)):
                reservations.enter_context(tried.pop_all())
                return Ports(base, base + 1, base + 2, base + 3, base + 4)
    raise TestbedError(
        f"no block of {4 + len(NODES)} free ports on 127.0.0.1 starts at a hundred between {bases.start} and "
        f"{bases.stop - 1}: end what listens there ('ss -ltnp' shows it)"
    )


def load_ports(layout: Layout) -> Ports | None:
    """Returns the ports of the running or last cluster, or None if none are saved."""
    try:
        return Ports(**json.loads(layout.state_file.read_text())["ports"])
    except (FileNotFoundError, KeyError, TypeError, json.JSONDecodeError):
        return None


def save_ports(layout: Layout, ports: Ports) -> None:
    """Saves the ports for later commands and test sessions."""
    layout.state_file.write_text(json.dumps({"ports": asdict(ports)}, indent=1) + "\n")


def _reserve(base: int, reservation: ExitStack) -> bool:
    """Reserves the block that begins at port `base`. Returns False if another process has done so."""
    name = reservation.enter_context(socket.socket(socket.AF_UNIX))
    try:
        # An abstract name (unix(7)): no file stays behind.
        name.bind(f"\0slurm-rest-api-testbed-ports-{base}")
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the daemons do: without it a connection in TIME_WAIT would make a free port look used.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
