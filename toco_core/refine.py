"""Pixel-adaptive refinement by its public name."""

from toco_core.cam.refine import PixelAdaptiveRefinement, refine_labels

__all__ = ["PixelAdaptiveRefinement", "refine_labels"]
