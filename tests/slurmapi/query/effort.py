"""How many examples properties try: a few in every run, many where somebody asks for them."""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("SLURM_REST_API_EXAMPLES", "1"))


def examples(number: int) -> settings:
    """So many, times `$SLURM_REST_API_EXAMPLES`; without a deadline, for how fast the machine is proves nothing."""
    return settings(max_examples=number * FACTOR, deadline=None)
