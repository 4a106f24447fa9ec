"""The usage that the demo sums up agrees with its job records."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.demo.accounting import AccountingFile
from slurm_rest_api.demo.backfill import backfill_jobs
from slurm_rest_api.demo.cli_options import write_config
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.timeline import Timeline
from slurm_rest_api.demo.usage_rollup import amounts
from tests.conftest import make_client

NOW = 1_795_532_400
HOUR, DAY = 3600, 86400


def test_usage_is_that_of_the_jobs(tmp_path: Path) -> None:
    scale = Scale(40, 100, 3)
    folder = DemoFolder(tmp_path / "demo")
    folder.prepare(scale)
    write_config(folder, scale)
    timeline, file = Timeline(scale), AccountingFile(folder.accounting)
    total = amounts(timeline.hardware)
    backfill_jobs(timeline, file, NOW, 3)
    file.roll_up(total, 3, NOW - DAY)
    file.roll_up(total, 3, NOW + 1800)
    file.close()
    settings = load_settings(folder.config, {})
    # The jobs of the hidden partition are in the usage, too.
    client = make_client(settings.model_copy(update={"filter": Settings().filter}))
    until = NOW - DAY + 2 * HOUR
    since = until - DAY
    fields = "account,time_start,time_end,tres_alloc"
    query = f"limit=10000&times=epoch&startbefore={until}&endafter={since}&fields={fields}"
    jobs = client.get(f"/history?{query}").get_json()["data"]
    plain: Counter[str] = Counter()
    for job in jobs:
        if job["time_start"]:
            seconds = min(job["time_end"] or until, until) - max(job["time_start"], since)
            plain[job["account"]] += max(0, seconds) * job["tres_alloc"]["cpu"]
    query = f"since={since}&until={until}&step=total"
    found = client.get(f"/utilization?group_by=account&{query}").get_json()["data"]
    used = {record["account"]: record["allocated"] for record in found}
    [cluster] = client.get(f"/utilization?{query}").get_json()["data"]
    assert len(plain) > 3
    assert used == {**{account: seconds for account, seconds in plain.items() if seconds}, "root": plain.total()}
    assert cluster["allocated"] == used["root"]
    assert cluster["reported"] == cluster["count"] * DAY
    by_qos = client.get(f"/utilization?group_by=qos&{query}").get_json()["data"]
    assert sum(record["allocated"] for record in by_qos) == cluster["allocated"]
    assert client.get("/utilization").get_json()["meta"]["cluster"] == "demo"
