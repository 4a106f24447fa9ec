"""Slurm's vocabulary: states, pending reasons, GRES, hostlists, partitions and names. No I/O, except in `user_names`."""
