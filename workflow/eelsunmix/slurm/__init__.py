"""SLURM: what the cluster answers, what a profile of Snakemake asks of it, and whether the two fit."""
