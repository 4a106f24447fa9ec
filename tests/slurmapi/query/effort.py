"""Number of examples of the property tests: few by default, more with `$SLURM_REST_API_EXAMPLES`."""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("SLURM_REST_API_EXAMPLES", "1"))


def examples(number: int) -> settings:
    """Sets the number of examples, multiplied by `$SLURM_REST_API_EXAMPLES`, without a deadline."""
    return settings(max_examples=number * FACTOR, deadline=None)
