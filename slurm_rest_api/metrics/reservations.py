"""Metrics of reservations and licenses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import orjson
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView

MOST_LICENSES: Final = 200
"""Licenses with metrics of their own, in the order of their names."""

_LICENSE_FIELDS: Final = {
    "total": ("slurm_licenses", "Licenses of the cluster."),
    "used": ("slurm_licenses_used", "Licenses that jobs hold."),
    "free": ("slurm_licenses_free", "Licenses that no job holds, reserved ones included."),
    "reserved": ("slurm_licenses_reserved", "Licenses of reservations."),
}


def reservation_families(view: StoreView) -> Iterator[Metric]:
    """Returns the metrics of reservations by state. There are none if reservations are not read."""
    if view.collection("reservations") is None:
        return
    counts, nodes = Counter[str](), Counter[str]()
    for (state, node_count), number in view.count_by("reservations", ("state", "node_cnt")):
        counts[str(state)] += number
        nodes[str(state)] += number * int(node_count or 0)
    for name, help_text, values in (
        ("slurm_reservations", "Reservations by state.", counts),
        ("slurm_reservation_nodes", "Nodes of the reservations in a state, once for each reservation.", nodes),
    ):
        family = GaugeMetricFamily(name, help_text, labels=["state"])
        for state in ("ACTIVE", "UPCOMING"):
            family.add_metric([state.lower()], values[state])
        yield family


def license_families(view: StoreView) -> Iterator[Metric]:
    """Returns the metrics of each license, of at most MOST_LICENSES."""
    if view.collection("licenses") is None:
        return
    keys = view.ordered_keys(Selection("licenses", limit=MOST_LICENSES))
    records = [orjson.loads(body) for _, body in view.bodies("licenses", keys)]
    for field, (metric, help_text) in _LICENSE_FIELDS.items():
        family = GaugeMetricFamily(metric, help_text, labels=["license"])
        for record in records:
            if record[field] is not None:
                family.add_metric([record["name"]], record[field])
        yield family
