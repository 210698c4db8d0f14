"""Metrics by their public name."""

from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.scoring.thresholds import threshold_curve

__all__ = ["ConfusionMatrix", "threshold_curve"]
