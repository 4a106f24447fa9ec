"""Starts, supervises and ends processes, and configures their logs."""
