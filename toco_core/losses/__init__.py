"""The losses of ToCo, and the terms that they are in a run."""

from toco_core.losses.contrast import (
    balanced_cross_entropy,
    class_token_contrast,
    multilabel_soft_margin,
    patch_token_contrast,
)

__all__ = [
    "balanced_cross_entropy",
    "class_token_contrast",
    "multilabel_soft_margin",
    "patch_token_contrast",
]
