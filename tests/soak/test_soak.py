"""Half an hour of mixed load on a deployment: memory, descriptors and threads do not grow beyond their noise."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator

import pytest

from tests.deployed.asking import wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import Site, demo_site
from tests.soak.mixed_load import MixedLoad
from tests.soak.resources import UNITS, Samples
from tests.soak.trend import Trend, trend_of

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("SLURM_REST_API_SOAK_SECONDS", "1800"))
SAMPLES = 300
CLIENTS, PAUSE_SECONDS = 12, 0.4
# Growth that is noise in any case: a share of RSS, and a number of descriptors and threads.
RSS_SHARE, RSS_MIB, COUNT = 0.04, 4.0, 2.0


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    # No process is replaced, because that would hide a leak.
    with demo_site(installation, {"system": {"recycle_cycles": 0, "recycle_rss_mib": 0}}, processes=2) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    with nginx(site, lambda block: block.replace("        limit_req zone", "        #limit_req zone")) as running:
        wait_healthy(running)
        yield running


def table(samples: Samples, trends: dict[tuple[str, str], Trend]) -> str:
    """Returns the trends as a table of a Markdown document, with the median of each quarter of the run."""
    head = "| process | | medians of the quarters | growth | noise |\n|---|---|---|---:|---:|\n"
    rows = []
    for (role, unit), trend in sorted(trends.items()):
        values = samples.values[role, unit]
        size = max(1, len(values) // 4)
        quarters = ", ".join(f"{statistics.median(values[at : at + size]):.1f}" for at in range(0, 4 * size, size))
        rows.append(f"| {role} | {unit} | {quarters} | {trend.growth:+.2f} | {trend.noise:.2f} |\n")
    return head + "".join(rows)


def test_nothing_grows_under_mixed_load(site: Site, web: Nginx, capsys: pytest.CaptureFixture[str]) -> None:
    samples = Samples()
    began = time.monotonic()
    load = MixedLoad(web, CLIENTS, PAUSE_SECONDS)
    try:
        while time.monotonic() - began < SECONDS:
            samples.take(site.deployment)
            time.sleep(SECONDS / SAMPLES)
    finally:
        load.stop()
    trends = {
        (role, unit): trend_of(
            samples.times[role],
            values,
            floor=max(RSS_MIB, RSS_SHARE * values[-1]) if unit == UNITS[0] else COUNT,
        )
        for (role, unit), values in samples.values.items()
    }
    with capsys.disabled():
        sys.stdout.write(
            f"\n{SECONDS:g} s, {load.answered.total()} responses {dict(load.answered)},"
            f" {load.aborted} aborted, {load.busy} busy, failures {dict(load.failures)}\n{table(samples, trends)}"
        )
    assert {"workers", "collector", "loader", "master"} <= {role for role, _unit in trends}
    assert {key: trend for key, trend in trends.items() if trend.is_growing} == {}
    assert load.failures == {}
    # Twelve clients reach the limits of a worker now and then, on a busy machine more often.
    assert load.busy <= load.answered.total() / 100
    assert load.answered[200] > 0
