"""A training step with the obvious savings alone: what anybody would do to the authors' schedule.

No image is encoded twice with the same weights, attention is fused, and PAR goes over all images
and both thresholds at once, still by shifted copies. Everything else is as in the literal step. It
is what ours has to beat: how far both are below the literal step depends on the machine.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from benchmarks.literal_step import literal_par, literal_sum
from toco_core.cam.local_crops import LocalCrops
from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.present_classes import present_classes
from toco_core.cam.refine import refine_labels
from toco_core.data.batch import TrainBatch
from toco_core.images import eight_bit
from toco_core.losses.contrast import class_token_contrast
from toco_core.model.toco import ToCo
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses


def obvious_losses(ours: ToCoLosses, batch: TrainBatch, crops: LocalCrops) -> dict[str, Tensor]:
    """Compute all losses of a step; arguments as of `ToCoLosses.forward`, all stages begun."""
    model, recipe = ours.model, ours.recipe
    output = model(batch.images)
    cam, cam_aux = multi_scale_cam(model, batch.images, recipe.cam.scales, raw=output.raw_cams)
    ctc = _class_term(model, recipe, batch, crops, output.class_token)
    return literal_sum(ours, batch, output, cam_aux, _refined_labels(recipe, batch, cam), ctc)


def _class_term(
    model: ToCo, recipe: Recipe, batch: TrainBatch, local: LocalCrops, first: Tensor
) -> Tensor:
    globals_ = torch.cat([first, model.encoder(batch.global_view).class_token])
    crops = model.encoder(local.crops.transpose(0, 1).flatten(0, 1)).class_token
    student = model.projection(torch.cat([globals_, crops]))
    teacher = model.project_by_teacher(globals_.detach())
    return class_token_contrast(student, teacher, local.is_positive, recipe.ctc.temperature)


def _refined_labels(recipe: Recipe, batch: TrainBatch, cam: Tensor) -> Tensor:
    """Refine all images at both thresholds in one go: CAM (B, C, H, W) to labels (B, H, W)."""
    present = present_classes(batch.class_labels, batch.most_classes)
    index = present.classes[:, :, None, None].expand(-1, -1, *cam.shape[-2:])
    par = partial(
        literal_par, dilations=recipe.cam.par_dilations, iterations=recipe.cam.par_iterations
    )
    low, high = recipe.thresholds.low, recipe.thresholds.high
    images, maps = eight_bit(batch.images), cam.gather(1, index)  # (B, K, H, W)
    labels = refine_labels(par, images, maps, present.is_present, low, high, batch.boxes)
    return present.remap_labels(labels)
