"""Expands the hostlists that Slurm reports. One of them that cannot be expanded must not end the load of the others."""

from __future__ import annotations

import functools
import logging

from slurm_rest_api.slurm.hostlist import expand

logger = logging.getLogger(__name__)


def expand_known(text: str | None) -> list[str]:
    """Returns the node names of a hostlist, none if it cannot be expanded. That is logged once for each text."""
    try:
        return expand(text)
    except ValueError as error:
        _log_once(str(error))
        return []


@functools.lru_cache(maxsize=256)
def _log_once(fault: str) -> None:
    logger.warning("A hostlist of Slurm is left out: %s", fault)
