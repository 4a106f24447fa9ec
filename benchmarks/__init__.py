"""Measures the service beside what a site would use without it, on the real cluster of `tests/testbed`."""
