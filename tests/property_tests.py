"""Profiles of hypothesis, and the number of examples of expensive property tests."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

_PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "local")
_FACTOR: Final = int(os.environ.get("SLURM_REST_API_EXAMPLES", "1"))
# A local run tries a part of the examples of expensive tests, and other ones each time.
_SHARES: Final = {"local": 3, "ci": 1}


def load_profile() -> None:
    """Loads the profile that `$HYPOTHESIS_PROFILE` names: `local` (default) or `ci`, with the same examples each time.

    Neither has a limit of time, because the machine may be busy.
    """
    local = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("local", local)
    settings.register_profile("ci", local, derandomize=True, print_blob=True)
    settings.load_profile(_PROFILE)


def examples(number: int) -> settings:
    """Returns the settings of an expensive test: `number` examples in CI, a third of them in a local run.

    `$SLURM_REST_API_EXAMPLES` is a factor on both.
    """
    return settings(max_examples=max(1, number * _FACTOR // _SHARES.get(_PROFILE, 1)))
