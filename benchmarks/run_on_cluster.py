"""Runs one benchmark on the cluster of `tests/testbed`, and prints its text."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from benchmarks.document import write_between_marks
from tests.testbed.bringup import down, up
from tests.testbed.cluster import Cluster
from tests.testbed.layout import layout_from
from tests.testbed.steps import TestbedError, say


def run(measure: Callable[[Cluster], str], options: argparse.Namespace) -> int:
    """Brings the cluster up, measures, and prints the text. Returns the exit status.

    `options.output` is a file that gets the text between its marks. `options.keep` leaves the cluster up.
    """
    layout = layout_from(os.environ)
    try:
        cluster = Cluster(layout, up(layout))
        try:
            text = measure(cluster)
        finally:
            if not options.keep:
                down(layout)
    except TestbedError as error:
        say(f"benchmark: {error}")
        return 1
    print(text)
    if options.output is not None:
        write_between_marks(options.output, text)
    return 0
