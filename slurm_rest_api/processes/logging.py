"""How every program of the service logs: one line an event, to standard error."""

from __future__ import annotations

import logging
import sys
from typing import Final

from slurm_rest_api.config import Settings

_FORMAT: Final = "%(asctime)s %(levelname)s %(processName)s[%(process)d] %(name)s: %(message)s"


def configure_logs(settings: Settings) -> None:
    """Log from the level `system.log_level` on."""
    logging.basicConfig(level=settings.system.log_level, format=_FORMAT, stream=sys.stderr)
    # APScheduler tells of every job at INFO: two lines a cycle that say nothing new.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
