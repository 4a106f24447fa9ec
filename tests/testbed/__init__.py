"""A real Slurm cluster inside a Debian root on this machine, for the tests and benchmarks of this project."""
