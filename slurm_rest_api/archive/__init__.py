"""The load archive: samples of the cluster's load, kept for years, and the route /load that returns them.

`aggregate`, `projection`, `sample` and `time_range` do no I/O.
"""
