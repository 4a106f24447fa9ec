"""Profiles of hypothesis, and the number of examples of expensive property tests."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

_PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "local")
_FACTOR: Final = int(os.environ.get("SLURM_REST_API_EXAMPLES", "1"))
# A local run tries a third of the examples of expensive tests, and other ones each time. `few` is for a second run of
# the suite with other packages.
_SHARES: Final = {"local": 3, "ci": 1, "few": 12}


def load_profile() -> None:
    """Loads the profile that `$HYPOTHESIS_PROFILE` names: `local` (default), `ci` or `few`.

    `ci` and `few` try the same examples each time.
    No profile has a time limit, because the machine may be busy.
    """
    local = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("local", local)
    settings.register_profile("ci", local, derandomize=True, print_blob=True, max_examples=50)
    settings.register_profile("few", local, derandomize=True, print_blob=True, max_examples=10)
    settings.load_profile(_PROFILE)


def examples(number: int) -> settings:
    """Returns the settings of an expensive test: `number` examples in CI, a third of them in a local run.

    `$SLURM_REST_API_EXAMPLES` is a factor on both.
    """
    return settings(max_examples=max(1, number * _FACTOR // _SHARES.get(_PROFILE, 1)))
