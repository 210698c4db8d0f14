"""A training step on the authors' schedule: the same losses, each encoding as often as they do.

Of each image: the training pass; the multi-scale CAM, which runs it again; both global views by the
student and once more by the teacher. Attention is written out, and PAR goes image by image and
threshold by threshold over shifted copies (reference: the authors' schedule, not their code).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.cam.local_crops import LocalCrops
from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.pixel_affinity import BANDWIDTH, DIRECTIONS, POSITION_WEIGHT
from toco_core.cam.pseudo_labels import ignore_outside, token_affinity, token_labels
from toco_core.data.batch import TrainBatch
from toco_core.images import eight_bit
from toco_core.losses.classification import multilabel_soft_margin
from toco_core.losses.contrast import class_token_contrast, patch_token_contrast
from toco_core.losses.pixels import balanced_cross_entropy
from toco_core.model.toco import ToCo, ToCoOutput
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.terms.dense_energy import build_energy


def literal_losses(ours: ToCoLosses, batch: TrainBatch, crops: LocalCrops) -> dict[str, Tensor]:
    """Compute all losses of a step; arguments as of `ToCoLosses.forward`, all stages begun."""
    model, recipe = ours.model, ours.recipe
    output = model(batch.images)
    cam, cam_aux = multi_scale_cam(model, batch.images, recipe.cam.scales)
    ctc = _class_term(model, recipe, batch, crops)
    labels = literal_refined_labels(recipe, batch, cam)
    return literal_sum(ours, batch, output, cam_aux, labels, ctc)


def literal_sum(
    ours: ToCoLosses,
    batch: TrainBatch,
    output: ToCoOutput,
    cam_aux: Tensor,
    labels: Tensor,
    ctc: Tensor,
) -> dict[str, Tensor]:
    """Compute the losses that are left, and the total.

    Args:
        ours: network and recipe.
        batch: B images.
        output: of the training pass.
        cam_aux: (B, C, H, W) in 0..1.
        labels: (B, H, W), refined.
        ctc: the loss of the class tokens.
    """
    assert output.seg is not None
    losses = {
        "cls": multilabel_soft_margin(output.cls, batch.class_labels),
        "cls_aux": multilabel_soft_margin(output.cls_aux, batch.class_labels),
        "ptc": _patch_term(ours.recipe, batch, output.tokens, cam_aux),
        "ctc": ctc,
        **literal_segmentation(ours, batch, output.seg, labels),
    }
    losses["total"] = ours.objective.total(losses)
    return losses


def literal_segmentation(
    ours: ToCoLosses, batch: TrainBatch, seg: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """Compute the losses of the segmentation (B, C + 1, h, w), each from the logits anew."""
    size = batch.images.shape[-2:]
    logits = F.interpolate(seg, size=size, mode="bilinear", align_corners=False)
    return {
        "seg": balanced_cross_entropy(logits, labels),
        "energy": build_energy(ours.recipe)(batch.images, logits, labels, batch.boxes),
    }


def _patch_term(recipe: Recipe, batch: TrainBatch, tokens: Tensor, cam_aux: Tensor) -> Tensor:
    grid = (tokens.shape[-2], tokens.shape[-1])
    low, high = recipe.thresholds.low, recipe.thresholds.high
    labels = token_labels(cam_aux, batch.class_labels, low, high, batch.boxes, grid)
    return patch_token_contrast(tokens, token_affinity(labels))


def _class_term(model: ToCo, recipe: Recipe, batch: TrainBatch, local: LocalCrops) -> Tensor:
    views = torch.cat([batch.images, batch.global_view])
    crops = local.crops.transpose(0, 1).flatten(0, 1)
    with torch.no_grad():
        teacher = model.project_by_teacher(model.encoder(views).class_token)
    tokens = [model.encoder(views).class_token, model.encoder(crops).class_token]
    student = model.projection(torch.cat(tokens))
    return class_token_contrast(student, teacher, local.is_positive, recipe.ctc.temperature)


@torch.no_grad()
def literal_refined_labels(recipe: Recipe, batch: TrainBatch, cam: Tensor) -> Tensor:
    """Refine image by image and threshold by threshold: CAM (B, C, H, W) to labels (B, H, W)."""
    size = batch.images.shape[-2:]
    small = [size[0] // 2, size[1] // 2]
    images = eight_bit(batch.images)
    images = F.interpolate(images, size=small, mode="bilinear", align_corners=False)
    maps = F.interpolate(cam, size=small, mode="bilinear", align_corners=False)
    low, high = recipe.thresholds.low, recipe.thresholds.high
    refined: list[Tensor] = []
    for image, one, present in zip(images, maps, batch.class_labels, strict=True):
        strict, lenient = (
            _refined_label(recipe, image[None], one, present, background, size)
            for background in (high, low)
        )
        label = strict.masked_fill(strict == 0, 255)
        refined.append(label.masked_fill((strict == 0) & (lenient == 0), 0))
    return ignore_outside(torch.cat(refined), batch.boxes)


def _refined_label(
    recipe: Recipe, image: Tensor, cam: Tensor, present: Tensor, background: float, size: torch.Size
) -> Tensor:
    """Refine the classes present and the background of one image at one threshold: (1, H, W)."""
    keys = F.pad(present.nonzero().flatten() + 1, (1, 0))
    chosen = F.pad(cam[present > 0], (0, 0, 0, 0, 1, 0), value=background)[None].softmax(dim=1)
    for_one = literal_par(image, chosen, recipe.cam.par_dilations, recipe.cam.par_iterations)
    resized = F.interpolate(for_one, size=list(size), mode="bilinear", align_corners=False)
    return keys[resized.argmax(dim=1)]


def literal_par(image: Tensor, mask: Tensor, dilations: tuple[int, ...], iterations: int) -> Tensor:
    """Refine masks (B, K, H, W) with images (B, 3, H, W) over shifted copies of both."""
    around = _shifted(image, dilations)  # (B, 3, N, H, W)
    spread = around.std(dim=2, keepdim=True) + 1e-8
    colour = -(((around - image[:, :, None]).abs() / spread / BANDWIDTH) ** 2)
    weights = colour.mean(dim=1, keepdim=True).softmax(dim=2)  # (B, 1, N, H, W)
    distances = [d * math.hypot(y, x) for d in dilations for y, x in DIRECTIONS]
    offsets = torch.tensor(distances, device=image.device)
    position = -((offsets / (offsets.std() + 1e-8) / BANDWIDTH) ** 2)
    weights = weights + POSITION_WEIGHT * position.softmax(dim=0)[:, None, None]
    for _ in range(iterations):
        mask = (_shifted(mask, dilations) * weights).sum(dim=2)
    return mask


def _shifted(maps: Tensor, dilations: tuple[int, ...]) -> Tensor:
    """Stack the neighbours of every pixel: (B, K, H, W) -> (B, K, N, H, W)."""
    height, width = maps.shape[-2:]
    shifted: list[Tensor] = []
    for d in dilations:
        padded = F.pad(maps, (d, d, d, d), mode="replicate")
        for y, x in DIRECTIONS:
            rows = slice(d + d * y, d + d * y + height)
            shifted.append(padded[..., rows, d + d * x : d + d * x + width])
    return torch.stack(shifted, dim=2)
