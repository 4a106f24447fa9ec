"""Names the host and its boot, so that versions of two hosts, or of a copied machine, never look the same."""

from __future__ import annotations

import hashlib
import socket
import uuid
from pathlib import Path
from typing import Final

_FILES: Final = (Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id"))
_DIGITS: Final = 12


def host_run() -> str:
    """Returns 12 hexadecimal digits for this host since its boot. They do not reveal its name.

    Sources: machine-id(5), random(4).
    """
    parts = [socket.gethostname(), *(_text(file) for file in _FILES)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def new_generation(run: str) -> str:
    """Returns a generation that is used once: the host's run, and random digits."""
    return f"{run}{uuid.uuid4().hex}"


def is_of_run(generation: str, run: str) -> bool:
    """Returns True if the generation was created in this run."""
    return generation.startswith(run)


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        # A container may lack the file. The other parts differ.
        return ""
