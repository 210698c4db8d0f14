"""A Gaussian process over learning curves: what a configuration is worth at the end of training."""
