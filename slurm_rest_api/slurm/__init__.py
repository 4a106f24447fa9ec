"""Slurm's vocabulary: states, hostlists, partitions and user names. No I/O, except in `user_names`."""
