"""What a step needs to know of ranks and precision, below everything else."""
