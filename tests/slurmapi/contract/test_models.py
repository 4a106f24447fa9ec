"""The published models: types, documentation and the fields of 2018."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from slurm_rest_api.contract_base import LARGEST_NUMBER, Count, PublishedRecord
from slurm_rest_api.slurmapi import contract
from slurm_rest_api.slurmapi.collector.state_counts import JobCounter, count_states
from slurm_rest_api.slurmapi.collector.usage import Allocation, compute_usage, with_counts
from slurm_rest_api.slurmapi.contract.usage import UsageRecord

MODELS = [contract.JobRecord, contract.NodeRecord, contract.PartitionRecord, contract.StatisticsRecord, UsageRecord]

JOB_FIELDS_OF_2018 = [
    "account",
    "accrue_time",
    "admin_comment",
    "alloc_node",
    "alloc_sid",
    "array_job_id",
    "array_task_id",
    "array_task_str",
    "array_max_tasks",
    "assoc_id",
    "batch_flag",
    "batch_host",
    "billable_tres",
    "command",
    "comment",
    "cpus_per_task",
    "cpus_allocated",
    "cpus_alloc_layout",
    "dependency",
    "derived_ec",
    "eligible_time",
    "end_time",
    "exc_nodes",
    "exit_code",
    "features",
    "group_id",
    "het_job_id",
    "job_id",
    "job_state",
    "last_sched_eval",
    "licenses",
    "mem_per_cpu",
    "min_memory_cpu",
    "mem_per_node",
    "min_memory_node",
    "pn_min_memory",
    "name",
    "nodes",
    "nice",
    "num_cpus",
    "num_nodes",
    "num_tasks",
    "partition",
    "priority",
    "qos",
    "req_nodes",
    "restart_cnt",
    "run_time",
    "run_time_str",
    "shared",
    "start_time",
    "state_reason",
    "std_err",
    "std_in",
    "std_out",
    "submit_time",
    "suspend_time",
    "time_limit",
    "time_limit_str",
    "tres_alloc_str",
    "tres_req_str",
    "user_id",
    "user_name",
    "wckey",
    "work_dir",
]


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_required_and_documented(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.is_required(), name
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("name", JOB_FIELDS_OF_2018)
def test_job_fields_of_2018_are_published(name: str) -> None:
    assert name in contract.JobRecord.model_fields


@pytest.mark.parametrize("name", ["state", "alloc_cpus", "cpus", "alloc_mem", "real_memory"])
def test_node_fields_of_the_2018_front_end_are_published(name: str) -> None:
    assert name in contract.NodeRecord.model_fields


class Sample(PublishedRecord):
    number: Count


@pytest.mark.parametrize("number", [LARGEST_NUMBER + 1, -1, "1", True, None])
def test_a_count_is_a_whole_number_that_javascript_reads_exactly(number: object) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"number": number})
    assert Sample.model_validate({"number": LARGEST_NUMBER}).number == 2**53 - 1


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Sample.model_validate({"number": 1, "more": 2})


def test_the_computed_usage_is_a_usage_record() -> None:
    partitions = [{"name": "main", "state": "UP", "priority_tier": 1, "total_nodes": 1, "total_cpus": 4}]
    idle = {"cpus": 4, "real_memory": 100, "alloc_cpus": 0, "alloc_mem": 0, "state_base": "IDLE", "state_flags": []}
    nodes = [
        {**idle, "name": "n1", "partitions": ["main"], "alloc_cpus": 2, "alloc_mem": 50, "state_base": "MIXED"},
        {**idle, "name": "n2", "partitions": []},
    ]
    usage = compute_usage(partitions, nodes, [Allocation("main", "n1", 2, 50)])
    record = UsageRecord.model_validate(with_counts(usage, count_states(JobCounter(), nodes, partitions)))
    assert record.partitions["main"].nodes["n1"].active is True
    assert record.partitions["main"].nodes["n2"].active is False
