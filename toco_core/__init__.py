"""ToCo: token contrast for weakly-supervised semantic segmentation.

Ru et al., CVPR 2023, arXiv 2303.01267.
"""
