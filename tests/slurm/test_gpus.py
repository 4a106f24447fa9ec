"""GPUs of a node by model, from the texts of Slurm."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.gpus import ModelCount, node_gpus
from slurm_rest_api.slurm.gres import gres_texts, used_gres_texts

Models = dict[str, tuple[int, int | None]]


@pytest.mark.parametrize(
    ("gres", "used", "models", "free"),
    [
        ("(null)", "(null)", {}, 0),
        # A model that is a number is no count.
        ("gpu:4090:2", "gpu:4090:1(IDX:0)", {"4090": (2, 1)}, 1),
        ("gpu:a100:4(S:0-1)", "gpu:a100:3(IDX:0-2)", {"a100": (4, 1)}, 1),
        ("gpu:4", "gpu:(null):3(IDX:0-2)", {"(null)": (4, 1)}, 1),
        ("gpu:a100:2(S:0),gpu:a100:2(S:1)", "gpu:a100:0(IDX:N/A)", {"a100": (4, 4)}, 4),
        ("gpu:tesla:2,gpu:kepler:1", "gpu:tesla:1(IDX:0),gpu:kepler:1(IDX:2)", {"kepler": (1, 0), "tesla": (2, 1)}, 1),
        # The entry without a type includes the others.
        ("gpu:3,gpu:a100:2", "gpu:a100:2(IDX:0-1)", {"(null)": (1, 1), "a100": (2, 0)}, 1),
        # The types of the devices in use are unknown.
        ("gpu:a100:4", "gpu:1", {"a100": (4, 3)}, 3),
        ("gpu:a100:2,gpu:h100:2", "gpu:1", {"a100": (2, None), "h100": (2, None)}, 3),
        ("gpu:a100:2,gpu:h100:2", "gpu:4", {"a100": (2, 0), "h100": (2, 0)}, 0),
        ("gpu:a100:2", "gpu:a100:3", {"a100": (2, 0)}, 0),
        # MIG devices are GPUs with the model of their profile.
        (
            "gpu:nvidia_a100_3g.20gb:2,gpu:nvidia_a100_1g.5gb:3",
            "gpu:nvidia_a100_3g.20gb:1(IDX:0),gpu:nvidia_a100_1g.5gb:0(IDX:N/A)",
            {"nvidia_a100_1g.5gb": (3, 3), "nvidia_a100_3g.20gb": (2, 1)},
            4,
        ),
        # gres.conf(5): a GPU with shards in use is not allocated as a GPU. 5 of 16 shards on 4 GPUs are on 2 at least.
        ("gpu:a100:4,shard:a100:16", "gpu:a100:1(IDX:3),shard:a100:5(4/4,1/4,0/4,0/4)", {"a100": (4, 1)}, 1),
        ("gpu:a100:1,mps:100", "gpu:a100:0(IDX:N/A),mps:50(IDX:0)", {"a100": (1, 0)}, 0),
        ("gpu_link:4,tmp:844G", "", {}, 0),
    ],
)
def test_gpus_by_model(gres: str, used: str, models: Models, free: int) -> None:
    found = node_gpus(gres_texts(gres), used_gres_texts(used))
    assert found.by_model == {model: ModelCount(*counts) for model, counts in models.items()}
    assert found.free == free


def test_nothing_is_known() -> None:
    assert node_gpus(None, None) == ({}, 0)
