"""The demonstration cluster: a deterministic simulation that needs no Slurm.

It imports the service. In the service only `slurmapi.sources.detect` and `cli` refer to it. The simulation itself does
no I/O: only `accounting`, `backfill`, `cli_options`, `files`, `options`, `source` and `source_with_history` do.
"""
