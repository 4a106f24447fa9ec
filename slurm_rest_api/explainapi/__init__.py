"""Explains why a job is pending: the route /queue/{id}/explain."""
