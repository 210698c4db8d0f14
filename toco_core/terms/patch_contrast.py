"""PTC: patch tokens of one class are pulled together (paper, section 3.2)."""

from __future__ import annotations

from torch import Tensor

from toco_core.cam.pseudo_labels import token_affinity, token_labels
from toco_core.losses.contrast import pair_counts, patch_token_loss, patch_token_sums
from toco_core.terms.targets import StepCams, Targets
from toco_core.terms.term import Term, TrainingPass


def patch_labels(cams: StepCams) -> Tensor:
    """Label the patch tokens by the auxiliary CAM: (B, h, w), counting the image's own classes."""
    return token_labels(
        cams.auxiliary,
        cams.present.is_present,
        *cams.thresholds,
        cams.batch.boxes,
        cams.grid,
        unscaled_boxes=cams.recipe.official_quirks,
    )


class PatchContrast(Term):
    """Patch-token contrast."""

    name = "ptc"
    targets = (patch_labels,)

    def count(self, targets: Targets) -> Tensor:
        return pair_counts(targets[patch_labels])

    def __call__(self, given: TrainingPass) -> Tensor:
        affinity = token_affinity(given.targets[patch_labels])  # (B, N, N)
        sums = patch_token_sums(given.output.tokens, affinity)
        return patch_token_loss(given.share_of(self.name, sums))
