"""Jobs, and queries about them, for properties: few values, so that queries meet some jobs and miss others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from tests.builders import make_job
from tests.slurmapi.query.reference_jobs import ESCAPED

STATES = st.sampled_from(["PENDING", "RUNNING", "COMPLETING", "COMPLETED", "SUSPENDED", "RUNNING+RESIZING"])
PARTITIONS = st.sampled_from(["main", "long", "main,long", "longer"])
NODES = st.sampled_from([None, "n1", "n2", "n1,n2", "n11"])
TRES = st.sampled_from(["cpu=1", "cpu=2,gres/gpu=2,gres/gpu:a100=2", "cpu=1,gres/gpu:h100=3", None])

FIELDS = {
    "user_name": st.sampled_from(["ada", "alan", "grace"]),
    "account": st.sampled_from(["physics", "bio", None]),
    "partition": PARTITIONS,
    "job_state": STATES,
    "name": st.sampled_from(
        [
            "wrap",
            "train_1",
            "train_2",
            "odd[1]",
            "odd1",
            "train?",
            "trainX",
            "=1+1",
            'a "b",\tc',
            "zwei\nÜ",
            *ESCAPED.values(),
        ]
    ),
    "qos": st.sampled_from(["normal", "urgent", None]),
    "state_reason": st.sampled_from(["None", "Priority", "ReqNodeNotAvail,_UnavailableNodes:n1"]),
    "priority": st.integers(0, 3),
    "submit_time": st.integers(100, 104),
    "start_time": st.sampled_from([0, 101, 103]),
    "time_limit": st.sampled_from([10, 60, "UNLIMITED", "Partition_Limit"]),
    "run_time": st.sampled_from([0, 5, 3600]),
    "num_cpus": st.integers(1, 4),
    "memory": st.sampled_from([None, 100, 2000]),
    "nodes": NODES,
    "tres_req_str": TRES,
    "tres_alloc_str": TRES,
    "array": st.sampled_from(
        [(None, None, None), (3, 1, None), (3, 2, None), (3, None, "0-6:2%4"), (3, None, "1,4-5"), (4, None, "7")]
    ),
    "het": st.sampled_from([(None, None), (7, 0), (7, 1), (8, 1)]),
}
PATHS = st.one_of(
    st.integers(1, 40).map(str),
    st.builds("{}_{}".format, st.integers(2, 5), st.integers(0, 8)),
    st.builds("{}+{}".format, st.integers(6, 9), st.integers(0, 2)),
)


@st.composite
def jobs(draw: st.DrawFn, most: int = 12) -> dict[int, Record]:
    """Jobs by their ids."""
    ids = draw(st.sets(st.integers(1, 40), max_size=most))
    return {job_id: draw(job(job_id)) for job_id in sorted(ids)}


@st.composite
def job(draw: st.DrawFn, job_id: int) -> Record:
    """One job; while it runs the clock moves."""
    fields: dict[str, Any] = {name: draw(values) for name, values in FIELDS.items()}
    array, task, waiting = fields.pop("array")
    leader, offset = fields.pop("het")
    running = fields["job_state"].startswith("RUNNING")
    held = {name: 1 for name in (fields["nodes"] or "").split(",") if name} if running else {}
    return make_job(
        job_id,
        array_job_id=array,
        array_task_id=task,
        array_task_str=waiting,
        het_job_id=leader,
        het_job_offset=offset,
        cpus_allocated=held,
        **fields,
    )


FILTERS = {
    "user": st.sampled_from(["ada", "ada,grace", "!ada", "nobody", ""]),
    "account": st.sampled_from(["bio", "!physics", "bio,!physics"]),
    "partition": st.sampled_from(["main", "long", "!long", "main,longer", "main,!long"]),
    "state": st.sampled_from(
        ["R", "pd", "RUNNING,cg", "!CD", "resizing", "!RUNNING", "r+resizing", "!R+RESIZING", "pd+r,CG"]
    ),
    "name": st.sampled_from(["wrap", "train_*", "!train_*", "*", "train_1,wrap", "odd[1]", "train?", "=1+1", *ESCAPED]),
    "qos": st.sampled_from(["urgent", "!urgent"]),
    "reason": st.sampled_from(["Priority", "priority", "!none", "ReqNodeNotAvail"]),
    "array": st.sampled_from(["3", "3_1", "3_2,4", "3_4", "3_3,4_7", "9"]),
    "node": st.sampled_from(["n1", "n2,n11", "n3"]),
    "submitafter": st.sampled_from(["102", "104"]),
    "submitbefore": st.sampled_from(["102", "104"]),
    "startafter": st.sampled_from(["0", "103"]),
    "startbefore": st.sampled_from(["103", "200"]),
    "jobid<": st.sampled_from(["5", "20"]),
    "jobid>": st.sampled_from(["5", "20"]),
    "jobid": st.one_of(
        st.sampled_from(["5", "20", "", "3_1", "3_4,20", "7+1", "8 1,7+0,3_4", "4_7,3_5,41"]),
        st.sets(st.integers(1, 40), min_size=1).map(lambda ids: ",".join(map(str, ids))),
    ),
}


FILTERS |= {f"{name}{operator}": st.sampled_from(["2", "3"]) for name in ("num_cpus", "gpus") for operator in "<>"}
FILTERS |= {
    "num_cpus": st.sampled_from(["1", "2,4"]),
    "time_limit": st.sampled_from(["60", "UNLIMITED,10", "Partition_Limit"]),
    "time_limit<": st.sampled_from(["59", "60"]),
    "time_limit>": st.sampled_from(["0", "60"]),
    "run_time<": st.sampled_from(["0", "5"]),
    "run_time>": st.sampled_from(["1", "3600"]),
    "memory>": st.sampled_from(["0", "2000"]),
    "priority": st.just("0,2"),
    "tasks>": st.just("3"),
    "start_time": st.just("0,103"),
    "start_time<": st.just("101"),
    "submit_time>": st.just("102"),
}


def some_of(filters: Mapping[str, st.SearchStrategy[str]]) -> st.SearchStrategy[dict[str, str]]:
    """Queries with up to three of these parameters."""
    return st.lists(st.sampled_from(sorted(filters)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: filters[name] for name in names})
    )


queries = some_of(FILTERS)
