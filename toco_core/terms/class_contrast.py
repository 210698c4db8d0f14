"""CTC: local crops around uncertain regions agree with the whole image (paper, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from toco_core.cam.local_crops import LocalCrops, cut_local_crops
from toco_core.cam.pseudo_labels import uncertainty_map
from toco_core.losses.contrast import class_token_contrast
from toco_core.terms.targets import StepCams
from toco_core.terms.term import Term, TrainingPass


def local_crops(cams: StepCams) -> LocalCrops:
    """Cut local crops where the auxiliary CAM is uncertain or sees background."""
    settings = cams.recipe.ctc
    return cut_local_crops(
        cams.batch.local_source,
        uncertainty_map(cams.auxiliary, cams.present.is_present, *cams.thresholds),
        cams.batch.crop_seeds,
        count=settings.local_crops,
        size=settings.local_size,
        negative_share=settings.negative_share,
    )


class ClassContrast(Term):
    """Class-token contrast."""

    name = "ctc"
    head = "projection"
    reads_second_view = True
    targets = (local_crops,)

    def __call__(self, given: TrainingPass) -> Tensor:
        local, model = given.targets[local_crops], given.model
        crops = local.crops.transpose(0, 1).flatten(0, 1)  # (n * B, 3, S, S), view after view
        with given.autocast():
            second = given.output.second_token  # (B, D), where both views were one pass
            if second is None:
                second = model.class_token(given.batch.global_view)
            globals_ = torch.cat([given.output.class_token, second])  # (2 B, D)
            locals_ = model.class_token(crops)  # (n * B, D)
            student = model.project(torch.cat([globals_, locals_]))
        with given.autocast():
            teacher = model.project_by_teacher(globals_.detach(), update=given.is_first)
        return class_token_contrast(
            student, teacher, local.is_positive, self.recipe.ctc.temperature
        )
