"""Whole searches in simulated time: our searcher, scheduler and study, made-up training."""
