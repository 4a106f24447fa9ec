"""Free loopback ports for the daemons: one contiguous block, chosen at a new start and kept in the state file."""

from __future__ import annotations

import json
import socket
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


def choose_ports(first: int) -> Ports:
    """Returns the first block from port `first` on whose ports can all be bound.

    Raises:
        TestbedError: there is none.
    """
    bases = range(first, first + 100 * _BLOCKS, 100)
    for base in bases:
        needed = 4 + len(NODES)
        if all(_is_free(base + offset) for offset in range(needed)):
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


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the daemons do: without it a connection in TIME_WAIT would make a free port look used.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
