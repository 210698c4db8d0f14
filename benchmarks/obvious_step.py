"""A training step with the obvious savings alone: what anybody would do to the authors' schedule.

No image is encoded twice with the same weights, attention is fused, and PAR goes over all images
and both thresholds at once, still by shifted copies. Everything else is as in the literal step. It
is what ours has to beat: how far both are below the literal step depends on the machine.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.literal_step import literal_par, literal_segmentation
from toco_core.cam import multi_scale_cam
from toco_core.data.batch import TrainBatch
from toco_core.images import eight_bit
from toco_core.local_crops import LocalCrops
from toco_core.losses import class_token_contrast, multilabel_soft_margin, patch_token_contrast
from toco_core.model import ToCo
from toco_core.present import present_classes
from toco_core.pseudo_labels import ignore_outside, token_affinity, token_labels
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.terms import total_loss


def obvious_losses(ours: ToCoLosses, batch: TrainBatch, crops: LocalCrops) -> dict[str, Tensor]:
    """Compute all losses of a step; arguments as of `ToCoLosses.forward`, all stages begun."""
    model, recipe = ours.model, ours.recipe
    output = model(batch.images)
    raw = torch.cat([output.cam_raw, output.cam_aux_raw], dim=1)
    cam, cam_aux = multi_scale_cam(model, batch.images, recipe.cam.scales, raw=raw)
    grid = (output.tokens.shape[-2], output.tokens.shape[-1])
    low, high = recipe.thresholds.low, recipe.thresholds.high
    pairs = token_affinity(token_labels(cam_aux, batch.class_labels, low, high, batch.boxes, grid))
    losses = {
        "cls": multilabel_soft_margin(output.cls, batch.class_labels),
        "cls_aux": multilabel_soft_margin(output.cls_aux, batch.class_labels),
        "ptc": patch_token_contrast(output.tokens, pairs),
        "ctc": _class_term(model, recipe, batch, crops, output.class_token),
    }
    assert output.seg is not None
    losses |= literal_segmentation(ours, batch, output.seg, _refined_labels(recipe, batch, cam))
    losses["total"] = total_loss(losses, recipe)
    return losses


def _class_term(
    model: ToCo, recipe: Recipe, batch: TrainBatch, local: LocalCrops, first: Tensor
) -> Tensor:
    globals_ = torch.cat([first, model.encoder(batch.global_view).class_token])
    crops = model.encoder(local.crops.transpose(0, 1).flatten(0, 1)).class_token
    student = model.projection(torch.cat([globals_, crops]))
    teacher = model.project_by_teacher(globals_.detach())
    return class_token_contrast(student, teacher, local.is_positive, recipe.ctc.temperature)


@torch.no_grad()
def _refined_labels(recipe: Recipe, batch: TrainBatch, cam: Tensor) -> Tensor:
    """Refine all images at both thresholds in one go: CAM (B, C, H, W) to labels (B, H, W)."""
    size = batch.images.shape[-2:]
    small = [size[0] // 2, size[1] // 2]
    images = eight_bit(batch.images)
    images = F.interpolate(images, size=small, mode="bilinear", align_corners=False)
    maps = F.interpolate(cam, size=small, mode="bilinear", align_corners=False)
    present = present_classes(batch.class_labels, batch.most_classes)
    index = present.classes[:, :, None, None].expand(-1, -1, *small)
    absent = present.is_present[:, :, None, None] == 0
    maps = maps.gather(1, index).masked_fill(absent, -torch.inf)  # (B, K, h, w)
    low, high = recipe.thresholds.low, recipe.thresholds.high
    scores = [
        F.pad(maps, (0, 0, 0, 0, 1, 0), value=background).softmax(dim=1)
        for background in (high, low)
    ]
    both = torch.cat(scores, dim=1)  # (B, 2 (K + 1), h, w)
    refined = literal_par(images, both, recipe.cam.par_dilations, recipe.cam.par_iterations)
    refined = F.interpolate(refined, size=list(size), mode="bilinear", align_corners=False)
    strict, lenient = (one.argmax(dim=1) for one in refined.chunk(2, dim=1))
    label = strict.masked_fill(strict == 0, 255)
    label = label.masked_fill((strict == 0) & (lenient == 0), 0)
    return ignore_outside(present.name_labels(label), batch.boxes)
