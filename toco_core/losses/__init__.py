"""The losses of ToCo as functions of tensors."""

from toco_core.losses.classification import multilabel_soft_margin
from toco_core.losses.contrast import class_token_contrast, patch_token_contrast
from toco_core.losses.pixels import balanced_cross_entropy

__all__ = [
    "balanced_cross_entropy",
    "class_token_contrast",
    "multilabel_soft_margin",
    "patch_token_contrast",
]
