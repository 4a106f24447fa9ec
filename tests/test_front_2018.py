"""The demonstration cluster has the data that the example pages of 2018 read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.config import Settings
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.archive.databases import open_store
from tests.archive.samples import make_sample
from tests.conftest import make_client
from tests.front_2018 import Ask, current_load, load_graphs, node_map

# In epoch seconds. At other times no node of a small cluster may have jobs of another tier only.
TUESDAY_15H = 1_795_532_400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    system = {
        "runtime_dir": tmp_path / "run",
        "archive_usage_load": True,
        "archive_path": str(tmp_path / "load.sqlite"),
    }
    return Settings.model_validate({"system": system})


@pytest.fixture
def ask(settings: Settings, paths: RuntimePaths) -> Ask:
    """Returns a client function of a service that has loaded the demo once."""
    source = DemoSource(Scale(40, 200), clock=lambda: TUESDAY_15H)
    Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0).run()
    client = make_client(settings)

    def get(question: str) -> Any:
        # The pages' own library adds a number, against caches.
        answer = client.get(question + ("&" if "?" in question else "?") + "_=1795550000000")
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    return get


def test_bars_of_the_current_load(ask: Ask) -> None:
    bars = current_load(ask)
    usage = ask("/usage")["data"]
    assert 0 < bars.nodes <= 40
    assert 0 < bars.cpus <= 100
    assert 0 < bars.memory <= 100
    assert bars.load >= max(bars.cpus, bars.memory) * 0.5
    # Nodes that are down have nothing allocated, whichever page counts them.
    used = sum(node["alloc_cpus"] for node in ask("/nodes")["data"].values())
    assert used == usage["alloc_cpus"]


def test_map_of_partitions_and_nodes(ask: Ask) -> None:
    rows = node_map(ask)
    nodes = set(ask("/nodes")["data"])
    assert set(rows) == set(ask("/partitions")["data"])
    for name, cells in rows.items():
        assert set(cells) == nodes, name
    looks = {look for cells in rows.values() for look in cells.values()}
    assert "striped" in looks
    assert looks & {"high", "very high", "full"}
    assert any(look.endswith("no job of this tier") for look in looks)
    compact = ask("/usage?compact=true")["data"]["partitions"]
    assert {name: set(part["nodes"]) for name, part in compact.items()} == {
        name: {node for node, look in cells.items() if look != "striped"} for name, cells in rows.items()
    }


def test_graphs_of_a_day_and_of_a_picked_day(ask: Ask, settings: Settings) -> None:
    slot = int(time.time()) // 60 * 60
    archive = open_store(settings.system)
    archive.add_past([make_sample(slot - 60 * n, 0.25, ("main", "gpu")) for n in range(2000, 30, -1)])
    # A partition that is newer than the first sample, and one that is gone.
    archive.add_past([make_sample(slot - 60 * n, 0.5, ("main", "new")) for n in range(30, 0, -1)])
    graphs = load_graphs(ask)
    assert graphs.times == sorted(graphs.times)
    assert graphs.times[-1] == slot - 60
    assert slot - 86400 <= graphs.times[0] <= slot - 86400 + 120
    assert set(graphs.lines) == {
        "load",
        "cpus",
        "memory",
        *(f"{kind}{name}" for kind in ("", "cpu_", "mem_") for name in ("main", "gpu")),
    }
    assert {len(line) for line in graphs.lines.values()} == {len(graphs.times)}
    assert (graphs.lines["load"][0], graphs.lines["load"][-1]) == (25, 50)
    assert graphs.lines["gpu"][-1] == 0
    picked = load_graphs(ask, 3600, 86400)
    assert {time_ for time_ in picked.times if not slot - 90000 <= time_ <= slot - 86400 + 60} == set()
