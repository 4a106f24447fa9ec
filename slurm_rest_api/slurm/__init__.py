"""Slurm's vocabulary: states, pending reasons, GRES, hostlists, partitions and names. No I/O but in `user_names`."""
