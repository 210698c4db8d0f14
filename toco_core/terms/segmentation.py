"""The segmentation loss: cross-entropy with the refined labels (paper, section 3.4)."""

from __future__ import annotations

from torch import Tensor

from toco_core.losses.pixels import balanced_loss, balanced_sums, pixel_counts
from toco_core.terms.refined_labels import labelled_pixels, refined_labels
from toco_core.terms.targets import Targets
from toco_core.terms.term import Term, TrainingPass


class Segmentation(Term):
    """Cross-entropy, background and foreground half and half."""

    name = "seg"
    head = "decoder"
    targets = (refined_labels,)

    def count(self, targets: Targets) -> Tensor:
        return pixel_counts(targets[refined_labels])

    def __call__(self, given: TrainingPass) -> Tensor:
        pixels = given.once(labelled_pixels)
        sums = balanced_sums(pixels.cross_entropy, given.targets[refined_labels])
        return balanced_loss(given.share_of(self.name, sums))
