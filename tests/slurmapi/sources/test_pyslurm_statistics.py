"""The statistics of pyslurm: the class of 23.02 and later, and the classic dictionary."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import StatisticsRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import RAW_STATISTICS
from tests.slurmapi.sources.fake_pyslurm import CLASSIC_STATISTICS, make_pyslurm, statistics, with_classic_statistics


def read(pyslurm: Any) -> Record:
    source = PyslurmSource(pyslurm, UserNames())
    source.begin(["statistics"])
    assert source.rpcs_of_last_load == 1
    return source.statistics()


@pytest.fixture
def classic() -> Record:
    return read(with_classic_statistics(make_pyslurm(), CLASSIC_STATISTICS))


def test_the_classic_dictionary_makes_the_published_record(classic: Record) -> None:
    StatisticsRecord.model_validate(classic)
    assert classic["jobs_submitted"] == 26
    assert (classic["jobs_pending"], classic["jobs_running"], classic["job_states_ts"]) == (5, 4, 1_795_713_999)
    assert (classic["schedule_cycle_sum"], classic["bf_queue_len_sum"], classic["bf_active"]) == (1001, 33, 0)


def test_means_are_those_of_sdiag(classic: Record) -> None:
    # sdiag divides whole numbers: 1001 / 40, 90 / 40, 40 cycles in 1000 s, 2002 / 4, 25 / 4, 21 / 4, 33 / 4.
    assert (classic["schedule_cycle_mean"], classic["schedule_cycle_mean_depth"]) == (25, 2)
    assert classic["schedule_cycles_per_minute"] == 2
    assert (classic["bf_cycle_mean"], classic["bf_mean_depth"], classic["bf_mean_depth_try"]) == (500, 6, 5)
    assert classic["bf_queue_len_mean"] == 8


def test_means_of_no_cycle_are_zero() -> None:
    fresh = {**CLASSIC_STATISTICS, "schedule_cycle_counter": 0, "bf_cycle_counter": 0}
    record = read(with_classic_statistics(make_pyslurm(), fresh))
    assert (record["schedule_cycle_mean"], record["bf_cycle_mean"]) == (0, 0)


def test_calls_have_the_published_fields(classic: Record) -> None:
    assert classic["rpc_type_stats"]["REQUEST_JOB_INFO"] == {
        "id": 2003,
        "count": 4,
        "ave_time": 50,
        "total_time": 203,
        "queued": 0,
        "dropped": 0,
        "cycle_last": 0,
        "cycle_max": 0,
    }
    assert classic["rpc_user_stats"]["root"] == {
        "id": 0,
        "user_name": "root",
        "count": 4,
        "ave_time": 50,
        "total_time": 203,
    }


@pytest.mark.parametrize("name", ["agent_count", "bf_table_size", "bf_table_size_mean", "bf_exit", "rpc_pending"])
def test_what_the_classic_dictionary_lacks_is_null(classic: Record, name: str) -> None:
    assert classic[name] is None


def test_a_classic_failure_has_slurms_message() -> None:
    error = ValueError("Unable to contact slurm controller (connect failure)", 1800)
    pyslurm = with_classic_statistics(make_pyslurm(), error)
    del pyslurm.RPCError
    with pytest.raises(SourceUnavailable, match=r"\(connect failure\) \(Slurm error 1800\)"):
        read(pyslurm)


def test_a_class_that_build_sh_has_not_adjusted_lacks_two_numbers() -> None:
    plain = statistics(jobs_submitted=7)
    for name in RAW_STATISTICS:
        delattr(plain, name)
    record = read(make_pyslurm(controller=plain))
    StatisticsRecord.model_validate(record)
    assert (record["jobs_submitted"], record["job_states_ts"], record["schedule_cycle_depth"]) == (7, None, None)
