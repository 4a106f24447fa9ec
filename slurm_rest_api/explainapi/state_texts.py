"""Says in a sentence what a job is that is not pending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slurm_rest_api.jobsapi.records import phase_of
from slurm_rest_api.slurm.states import base_job_state, job_state_words

_TEXTS: Final[Mapping[str, str]] = {
    "RUNNING": "It is running.",
    "SUSPENDED": "It is suspended: its CPUs are free for other jobs, its memory is not.",
    "COMPLETED": "It has ended with exit code 0.",
    "CANCELLED": "It was cancelled by its user or an administrator.",
    "FAILED": "It has ended with a failure.",
    "TIMEOUT": "It reached its time limit and was ended.",
    "NODE_FAIL": "It was ended because a node of its allocation failed.",
    "PREEMPTED": "It was ended in favour of a job that may preempt it.",
    "BOOT_FAIL": "It was ended because its nodes failed to boot.",
    "DEADLINE": "It was ended because of its deadline.",
    "OUT_OF_MEMORY": "It was ended because it ran out of memory.",
    "COMPLETING": "It has ended, and some of its nodes still clean up (epilog).",
    "CONFIGURING": "It has its nodes, and they boot or run the prolog before it starts.",
    "POWER_UP_NODE": "It has its nodes, and they are powered up before it starts.",
    "RESIZING": "It is running, and the size of its allocation changes.",
    "SIGNALING": "It is running, and Slurm sends it a signal.",
    "STOPPED": "It was stopped with SIGSTOP and keeps its nodes.",
    "REVOKED": "Another cluster of the federation has started it.",
    "STAGE_OUT": "It has ended, and the burst buffer copies its results.",
    "LAUNCH_FAILED": "It could not be launched.",
}
_OTHERWISE: Final = {"active": "It holds nodes.", "ended": "It has ended.", "pending": "It is pending."}


def state_text(job: Mapping[str, Any]) -> str:
    """Returns the sentence for the published record of a job that is not pending."""
    state = job.get("job_state")
    if "COMPLETING" in job_state_words(state):
        return _TEXTS["COMPLETING"]
    return _TEXTS.get(base_job_state(state)) or _OTHERWISE[phase_of(state or "")]
