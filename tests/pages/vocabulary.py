"""Generates `pages/static/slurm-vocabulary.js`, from `slurm/states.py` and `slurm/node_words.py`.

`python -m tests.pages.vocabulary` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slurm_rest_api.pages.assets import STATIC
from slurm_rest_api.slurm.node_words import MARKS_BY_FLAG, WORDS_FOR_IDLE
from slurm_rest_api.slurm.states import vocabulary

FILE: Final = STATIC / "slurm-vocabulary.js"
_HEAD: Final = "Slurm's names of states, generated from slurm/states.py by `python -m tests.pages.vocabulary`."


def vocabulary_module() -> str:
    """Returns the JavaScript module with Slurm's names of states."""
    words = vocabulary()
    jobs, nodes = words["job_states"], words["node_states"]
    bases = [node for node in nodes if node["kind"] == "base"]
    return "\n".join(
        [
            f"// {_HEAD}",
            "",
            "/** The full name of each job state by squeue's short name. */",
            "export const JOB_STATES = {",
            *(f'  {job["short"]}: "{job["name"]}",' for job in jobs),
            "};",
            "",
            "/** States in which a job holds nodes. */",
            *_list("JOB_STATES_WITH_NODES", (job["name"] for job in jobs if job["holds_nodes"])),
            "",
            "/** sinfo's marks by flag, in the order in which sinfo looks for one. */",
            "export const NODE_MARKS = {",
            *(f'  {flag}: "{mark}",' for flag, mark in MARKS_BY_FLAG.items()),
            "};",
            "",
            "/** Flags that sinfo prints in place of IDLE. */",
            *_list("WORDS_FOR_IDLE", WORDS_FOR_IDLE),
            "",
            "/** Base states and flags of a node with jobs on it. */",
            *_list("NODE_STATES_WITH_JOBS", (node["name"] for node in nodes if node["has_jobs"])),
            "",
            "/** Base states of a node that is out of service. */",
            *_list("NODE_STATES_OUT", (node["name"] for node in bases if not node["has_jobs"] | node["takes_jobs"])),
            "",
        ]
    )


def _list(name: str, values: Iterable[str]) -> list[str]:
    return [f"export const {name} = [", *(f'  "{value}",' for value in values), "];"]


if __name__ == "__main__":
    FILE.write_text(vocabulary_module())
