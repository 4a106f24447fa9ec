"""Computes in which partitions, and on which nodes, a job could start now: the route /availability."""
