"""HTTP vocabulary: knows Flask, knows nothing of Slurm."""
