"""Logging of all processes: one line per event, to standard error."""

from __future__ import annotations

import logging
import sys
from typing import Final

from slurm_rest_api.config import Settings

_FORMAT: Final = "%(asctime)s %(levelname)s %(processName)s[%(process)d] %(name)s: %(message)s"


def configure_logs(settings: Settings) -> None:
    """Configures logging with the level `system.log_level`."""
    logging.basicConfig(level=settings.system.log_level, format=_FORMAT, stream=sys.stderr)
    # APScheduler logs each job at INFO: two redundant lines per cycle.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
