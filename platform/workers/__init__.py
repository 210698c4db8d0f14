"""Evaluation workers: they score checkpoints while training goes on."""
