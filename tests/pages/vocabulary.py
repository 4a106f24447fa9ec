"""Generates `pages/static/slurm-vocabulary.js` from `slurm/states.py`: `python -m tests.pages.vocabulary`."""

from __future__ import annotations

import json
from typing import Final

from slurm_rest_api.pages.assets import STATIC
from slurm_rest_api.slurm.states import JOB_STATES

FILE: Final = STATIC / "slurm-vocabulary.js"
_HEAD: Final = """\
// Slurm's names of states, generated from slurm_rest_api/slurm/states.py by `python -m tests.pages.vocabulary`.

/** The full name of each job state by squeue's short name. */
export const JOB_STATES = {"""


def vocabulary_module() -> str:
    """Returns the JavaScript module with Slurm's names of states."""
    names = [f"  {short}: {json.dumps(name)}," for name, short in JOB_STATES.items()]
    return "\n".join([_HEAD, *names, "};", ""])


if __name__ == "__main__":
    FILE.write_text(vocabulary_module())
