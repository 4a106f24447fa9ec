"""Jobs, and queries about them, for properties: few values, so that queries meet some jobs and miss others."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from tests.builders import make_job

STATES = st.sampled_from(["PENDING", "RUNNING", "COMPLETING", "COMPLETED", "SUSPENDED", "RUNNING+RESIZING"])
PARTITIONS = st.sampled_from(["main", "long", "main,long", "longer"])
NODES = st.sampled_from([None, "n1", "n2", "n1,n2", "n11"])
TRES = st.sampled_from(["cpu=1", "cpu=2,gres/gpu=2,gres/gpu:a100=2", "cpu=1,gres/gpu:h100=3", None])

FIELDS = {
    "user_name": st.sampled_from(["ada", "alan", "grace"]),
    "account": st.sampled_from(["physics", "bio", None]),
    "partition": PARTITIONS,
    "job_state": STATES,
    "name": st.sampled_from(["wrap", "train_1", "train_2", "odd[1]", "train?"]),
    "qos": st.sampled_from(["normal", "urgent", None]),
    "state_reason": st.sampled_from(["None", "Priority", "ReqNodeNotAvail,_UnavailableNodes:n1"]),
    "priority": st.integers(0, 3),
    "submit_time": st.integers(100, 104),
    "start_time": st.sampled_from([0, 101, 103]),
    "time_limit": st.sampled_from([10, 60, "UNLIMITED"]),
    "num_cpus": st.integers(1, 4),
    "memory": st.sampled_from([None, 100, 2000]),
    "nodes": NODES,
    "tres_req_str": TRES,
    "tres_alloc_str": TRES,
    "array": st.sampled_from([(None, None), (3, 1), (3, 2), (4, None)]),
}


@st.composite
def jobs(draw: st.DrawFn, most: int = 12) -> dict[int, Record]:
    """Jobs by their ids."""
    ids = draw(st.sets(st.integers(1, 40), max_size=most))
    return {job_id: draw(job(job_id)) for job_id in sorted(ids)}


@st.composite
def job(draw: st.DrawFn, job_id: int) -> Record:
    """One job; while it runs the clock moves."""
    fields: dict[str, Any] = {name: draw(values) for name, values in FIELDS.items()}
    array, task = fields.pop("array")
    running = fields["job_state"].startswith("RUNNING")
    held = {name: 1 for name in (fields["nodes"] or "").split(",") if name} if running else {}
    return make_job(job_id, array_job_id=array, array_task_id=task, cpus_allocated=held, **fields)


FILTERS = {
    "user": st.sampled_from(["ada", "ada,grace", "!ada", "nobody"]),
    "account": st.sampled_from(["bio", "!physics", "bio,!physics"]),
    "partition": st.sampled_from(["main", "long", "!long", "main,longer", "main,!long"]),
    "state": st.sampled_from(["R", "pd", "RUNNING,cg", "!CD", "resizing", "!RUNNING"]),
    "name": st.sampled_from(["wrap", "train_*", "!train_*", "*", "train_1,wrap"]),
    "qos": st.sampled_from(["urgent", "!urgent"]),
    "reason": st.sampled_from(["Priority", "priority", "!none", "ReqNodeNotAvail"]),
    "array": st.sampled_from(["3", "3_1", "3_2,4", "9"]),
    "node": st.sampled_from(["n1", "n2,n11", "n3"]),
    "submitafter": st.sampled_from(["102", "104"]),
    "submitbefore": st.sampled_from(["102", "104"]),
    "startafter": st.sampled_from(["0", "103"]),
    "startbefore": st.sampled_from(["103", "200"]),
    "jobid<": st.sampled_from(["5", "20"]),
}

queries = st.lists(st.sampled_from(sorted(FILTERS)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FILTERS[name] for name in names})
)

SORTS = ["", "job_id", "-job_id", "priority", "-priority,submit_time", "account,-user_name", "-time_limit,-account"]
