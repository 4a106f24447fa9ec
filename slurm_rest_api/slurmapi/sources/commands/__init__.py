"""Reads the cluster through Slurm's own commands: scontrol, squeue, sdiag and others."""
