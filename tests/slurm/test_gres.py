"""GRES texts to entries and counts. Each row names its source: a manual page or Slurm's C code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurm.gres import (
    Gres,
    count_devices,
    gres_counts,
    gres_gpus,
    gres_spellings,
    gres_texts,
    parse_gres,
    parse_tres_gres,
    tres_gpus,
    used_gres_texts,
)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        # Gres of slurm.conf(5): <name>[:<type>][:no_consume]:<number>[K|M|G|T|P].
        ("gpu:2", [Gres("gpu", None, 2)]),
        ("gpu:tesla:1,gpu:kepler:1", [Gres("gpu", "tesla", 1), Gres("gpu", "kepler", 1)]),
        ("bandwidth:lustre:no_consume:4G", [Gres("bandwidth", "lustre", 4 * 1024**3, no_consume=True)]),
        ("license:no_consume:3", [Gres("license", None, 3, no_consume=True)]),
        ("tmp:844G", [Gres("tmp", None, 844 * 1024**3)]),
        # suffix_mult() of slurm_protocol_defs.c.
        ("tmp:1K", [Gres("tmp", None, 1024)]),
        ("tmp:1kb", [Gres("tmp", None, 1000)]),
        ("tmp:1MiB", [Gres("tmp", None, 1024**2)]),
        ("tmp:1T", [Gres("tmp", None, 1024**4)]),
        ("tmp:1P", [Gres("tmp", None, 1024**5)]),
        # _get_gres_cnt() of src/interfaces/gres.c: the last part is the count if it begins with a digit.
        ("gpu:4090:2", [Gres("gpu", "4090", 2)]),
        ("gpu:1080:8", [Gres("gpu", "1080", 8)]),
        ("gpu:tesla", [Gres("gpu", "tesla", 1)]),
        ("gpu", [Gres("gpu", None, 1)]),
        ("gpu:nvidia_a100_3g.20gb:4", [Gres("gpu", "nvidia_a100_3g.20gb", 4)]),
        ("gpu:nvidia_a100_3g.20gb", [Gres("gpu", "nvidia_a100_3g.20gb", 1)]),
        # _build_node_gres_str() of gres.c: scontrol's Gres with sockets.
        ("gpu:h100:8(S:0-1)", [Gres("gpu", "h100", 8, sockets="0-1")]),
        (
            "gpu:a100:2(S:0),gpu:a100:2(S:1),shard:8(S:0)",
            [
                Gres("gpu", "a100", 2, sockets="0"),
                Gres("gpu", "a100", 2, sockets="1"),
                Gres("shard", None, 8, sockets="0"),
            ],
        ),
        # gres_used of gres.c: scontrol's GresUsed with indexes.
        ("gpu:tesla:2(IDX:0-1)", [Gres("gpu", "tesla", 2, indices="0-1")]),
        ("gpu:2(IDX:0,3),tmp:0", [Gres("gpu", None, 2, indices="0,3"), Gres("tmp", None, 0)]),
        ("gpu:1(IDX:3)", [Gres("gpu", None, 1, indices="3")]),
        ("gpu:0(IDX:N/A)", [Gres("gpu", None, 0, indices="N/A")]),
        ("shard:4(0/8,4/8),gpu:1(IDX:0)", [Gres("shard", None, 4), Gres("gpu", None, 1, indices="0")]),
        # src/stepmgr/gres_stepmgr.c: GRES of a job by node, without files.
        ("gpu:a100(CNT:2)", [Gres("gpu", "a100", 2)]),
        ("bandwidth:lustre(CNT:0)", [Gres("bandwidth", "lustre", 0)]),
        # pyslurm's layout by node, which drops the count.
        ("gpu(IDX:0)", [Gres("gpu", None, 1, indices="0")]),
        # gres_plugin_job_state_log() of gres.c in 17.02 to 19.05: a job's devices without a count.
        ("gpu:1080(IDX:0-1)", [Gres("gpu", "1080", 2, indices="0-1")]),
        ("gpu:1080(CNT:2)", [Gres("gpu", "1080", 2)]),
        ("mps:50(IDX:0)", [Gres("mps", None, 50, indices="0")]),
        ("gpu:tesla(IDX:0-2,5)", [Gres("gpu", "tesla", 4, indices="0-2,5")]),
        # TRES of scontrol show job, and TresPerNode.
        ("gres/gpu:a100=4", [Gres("gpu", "a100", 4)]),
        ("gres/gpu:4090=1", [Gres("gpu", "4090", 1)]),
        ("gres/gpu:2", [Gres("gpu", None, 2)]),
        # TresPerNode until 20.11.
        ("gres:gpu:2", [Gres("gpu", None, 2)]),
        # Slurm's words for nothing.
        ("(null)", []),
        ("N/A", []),
        ("", []),
        (None, []),
        # Counts that Slurm refuses, and entries without a name.
        ("gpu:18446744073709551614,tmp:1", [Gres("tmp", None, 1)]),
        ("gres/gpu=many", []),
        (":2,,gpu:1", [Gres("gpu", None, 1)]),
    ],
)
def test_gres_texts_are_parsed(text: str | None, entries: list[Gres]) -> None:
    assert parse_gres(text) == entries


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("gpu:4090:2", ["gpu:4090:2"]),
        (
            "gpu:tesla:2,bandwidth:lustre:no_consume:4G",
            ["gpu:tesla:2", "bandwidth:lustre:no_consume:4294967296"],
        ),
        ("gpu:4,tmp:844G", ["gpu:4", "tmp:906238099456"]),
        ("gpu:h100:8(S:0-1)", ["gpu:h100:8"]),
        ("gres/gpu:tesla", ["gpu:tesla:1"]),
        ("gres/tmp:5G", ["tmp:5368709120"]),
        (None, []),
    ],
)
def test_published_texts_have_plain_counts(text: str | None, published: list[str]) -> None:
    assert gres_texts(text) == published


def test_used_texts_leave_out_what_is_free() -> None:
    assert used_gres_texts("gpu:tesla:2(IDX:0-1),gpu:a100:0(IDX:N/A),bandwidth:lustre:0") == ["gpu:tesla:2"]


def test_counts_of_a_job_on_a_node_are_kept_by_name_and_type() -> None:
    assert gres_counts("gpu:a100(CNT:2),bandwidth:lustre(CNT:0)") == {"gpu:a100": 2, "bandwidth:lustre": 0}
    assert gres_counts("gpu:4090:1(IDX:0),gpu:4090:2(IDX:1-2),gpu:1(IDX:3)") == {"gpu:4090": 3, "gpu": 1}


def test_a_list_that_was_cut_at_every_comma_is_parsed() -> None:
    # pyslurm's classic dictionaries split `gpu:2(IDX:0,3),tmp:1` at each comma.
    assert parse_gres(["gpu:2(IDX:0", "3)", "tmp:1"]) == parse_gres("gpu:2(IDX:0,3),tmp:1")


def test_only_gres_of_a_tres_text_are_returned() -> None:
    # AllocTRES of scontrol(1).
    tres = "cpu=4,mem=8G,node=1,billing=4,gres/gpu=2,gres/gpu:a100=2,license/gpu=9"
    assert parse_tres_gres(tres) == [Gres("gpu", None, 2), Gres("gpu", "a100", 2)]
    assert parse_tres_gres("cpu=4") == parse_tres_gres(None) == []


@pytest.mark.parametrize(
    ("tres", "gpus"),
    [
        # AccountingStorageTRES of slurm.conf(5): gres/gpu counts all, gres/gpu:type those of a type.
        ("cpu=4,gres/gpu=2", 2),
        ("cpu=4,gres/gpu=2,gres/gpu:a100=2", 2),
        ("cpu=4,gres/gpu=6,gres/gpu:a100=4", 6),
        ("gres/gpu:a100=2,gres/gpu:v100=1", 3),
        ("gres/gpu:4090=1", 1),
        ("cpu=4,gres/gpumem=40G,gres/gpuutil=90,gres/shard=3", 0),
        ("cpu=4", 0),
        (None, 0),
    ],
)
def test_gpus_of_a_job_are_counted_once(tres: str | None, gpus: int) -> None:
    assert tres_gpus(tres) == gpus


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        (["gpu:4090:2"], 2),
        (["gpu:tesla:2(IDX:0-1)"], 2),
        (["gpu:h100:8(S:0-1)"], 8),
        (["gpu:1(IDX:3)"], 1),
        (["gpu:tesla:2", "bandwidth:lustre:no_consume:4G"], 2),
        (["gpu:4", "tmp:844G"], 4),
        (["gpu:a100(CNT:2)"], 2),
        (["gpu:tesla"], 1),
        (["gpu:4", "gpu:a100:4"], 4),
        (["gpu:a100:2", "gpu:h100:1", "shard:8"], 3),
        (["gpu:a100:2(S:0)", "gpu:a100:2(S:1)"], 4),
        (["gpu_link:4", "mps:100"], 0),
        ([], 0),
        (None, 0),
    ],
)
def test_gpus_of_a_node_are_counted_once(gres: list[str] | None, gpus: int) -> None:
    assert gres_gpus(gres) == gpus


def test_entries_are_found_by_name_type_and_count() -> None:
    assert list(gres_spellings(["gpu:a100:2(S:0,1)", "tmp:5G"])) == [
        "gpu",
        "gpu:a100",
        "gpu:a100:2",
        "tmp",
        "tmp:5G",
    ]
    assert list(gres_spellings(None)) == []


@given(st.text() | st.text("gpu:ae/=(),-IDXSCNT0123456789KG"))
def test_any_text_is_parsed(text: str) -> None:
    for gres in parse_gres(text):
        assert gres.name
        assert gres.count >= 0
    assert 0 <= tres_gpus(text) < 2**53
    assert 0 <= gres_gpus([text]) < 2**53
    assert all(isinstance(word, str) for word in gres_spellings([text]))


_TYPES = st.sampled_from(["a100", "4090", "h100"])


@given(st.dictionaries(_TYPES, st.integers(0, 100), min_size=1))
def test_devices_in_typed_and_untyped_entries_are_counted_once(models: dict[str, int]) -> None:
    total = sum(models.values())
    typed = [Gres("gpu", model, count) for model, count in models.items()]
    assert count_devices(typed) == count_devices([Gres("gpu", None, total), *typed]) == total
    tres = ",".join([f"gres/gpu={total}", *(f"gres/gpu:{model}={count}" for model, count in models.items())])
    assert tres_gpus(tres) == total
    assert gres_gpus([f"gpu:{model}:{count}" for model, count in models.items()]) == total
