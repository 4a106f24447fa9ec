"""Runs the command line with `python -m slurm_rest_api.cli`."""

from slurm_rest_api.cli import main

if __name__ == "__main__":
    main()
