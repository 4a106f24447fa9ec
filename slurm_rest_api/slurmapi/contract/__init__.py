"""The published contract: every field of every record, with type, unit and source. No I/O."""

from __future__ import annotations

from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.contract.node import NodeRecord
from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from slurm_rest_api.slurmapi.contract.usage import ActiveNode, InactiveNode, NodeUsage, PartitionUsage, UsageRecord

__all__ = [
    "ActiveNode",
    "InactiveNode",
    "JobRecord",
    "NodeRecord",
    "NodeUsage",
    "PartitionRecord",
    "PartitionUsage",
    "StatisticsRecord",
    "UsageRecord",
]
