"""One training step of ToCo: from a batch to its losses."""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toco_core.cam import multi_scale_cam
from toco_core.data.batch import TrainBatch
from toco_core.energy import DenseEnergyLoss
from toco_core.images import eight_bit
from toco_core.local_crops import LocalCrops, cut_local_crops
from toco_core.losses import (
    balanced_cross_entropy,
    class_token_contrast,
    multilabel_soft_margin,
    patch_token_contrast,
)
from toco_core.model import ToCo, ToCoOutput
from toco_core.pseudo_labels import token_affinity, token_labels, uncertainty_map
from toco_core.refine import PixelAdaptiveRefinement, refine_labels
from toco_core.settings import Recipe
from toco_core.terms import needs_decoder, terms_in_force, total_loss


class ToCoLosses(nn.Module):
    """The network together with all its losses (paper, equation 8).

    A whole step is one forward, so that DistributedDataParallel can wrap it. No image is encoded
    twice with the same weights: the pass over the first global view gives its CAM at scale 1 and
    the class token of student and teacher.
    """

    def __init__(self, model: ToCo, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        # With drop path the training pass gives a CAM of a network with holes: not to be reused.
        self.reuse_raw_cam = not model.encoder.is_stochastic
        self.refiner = PixelAdaptiveRefinement(recipe.cam.par_iterations, recipe.cam.par_dilations)
        energy = recipe.energy
        self.energy = DenseEnergyLoss(
            energy.weight, energy.sigma_rgb, energy.sigma_xy, energy.scale_factor
        )

    def forward(
        self, batch: TrainBatch, iteration: int, local_crops: LocalCrops | None = None
    ) -> dict[str, Tensor]:
        """Compute the losses in force at an iteration, unweighted, and their weighted total.

        Args:
            batch: one rank's images.
            iteration: steps done so far; it decides which stage the training is in.
            local_crops: use these, instead of cutting some where the auxiliary CAM is uncertain.

        Returns:
            Scalars: cls, cls_aux, those of ptc, ctc, seg and energy that are in force, total.
        """
        terms = terms_in_force(self.recipe, iteration)
        output = self.model(batch.images, segment=needs_decoder(terms))
        losses = {
            "cls": multilabel_soft_margin(output.cls, batch.class_labels),
            "cls_aux": multilabel_soft_margin(output.cls_aux, batch.class_labels),
        }
        if terms:
            cam, cam_aux = self._cams(batch.images, output)
            if "ptc" in terms:
                losses["ptc"] = self._patch_term(batch, output.tokens, cam_aux)
            if "ctc" in terms:
                crops = local_crops or self._local_crops(batch, cam_aux)
                losses["ctc"] = self._class_term(batch, output.class_token, crops)
            if output.seg is not None:
                seed_cam = cam if iteration >= self.recipe.stages.final_cam else cam_aux
                losses |= self._segmentation_terms(batch, output.seg, seed_cam, terms)
        losses["total"] = total_loss(losses, self.recipe)
        return losses

    def _cams(self, images: Tensor, output: ToCoOutput) -> tuple[Tensor, Tensor]:
        raw = torch.cat([output.cam_raw, output.cam_aux_raw], dim=1)  # (B, 2 C, h, w)
        known = raw if self.reuse_raw_cam else None
        return multi_scale_cam(self.model, images, self.recipe.cam.scales, raw=known)

    def _patch_term(self, batch: TrainBatch, tokens: Tensor, cam_aux: Tensor) -> Tensor:
        labels = token_labels(
            cam_aux,
            batch.class_labels,
            self.recipe.thresholds.low,
            self.recipe.thresholds.high,
            batch.boxes,
            (tokens.shape[-2], tokens.shape[-1]),
            unscaled_boxes=self.recipe.official_quirks,
        )  # (B, h, w)
        return patch_token_contrast(tokens, token_affinity(labels))

    def _local_crops(self, batch: TrainBatch, cam_aux: Tensor) -> LocalCrops:
        thresholds, ctc = self.recipe.thresholds, self.recipe.ctc
        uncertainty = uncertainty_map(cam_aux, batch.class_labels, thresholds.low, thresholds.high)
        return cut_local_crops(
            batch.local_source,
            uncertainty,
            batch.crop_seeds,
            count=ctc.local_crops,
            size=ctc.local_size,
            negative_share=ctc.negative_share,
        )

    def _class_term(self, batch: TrainBatch, first: Tensor, local: LocalCrops) -> Tensor:
        encoder = self.model.encoder
        second = encoder(batch.global_view).class_token  # (B, D)
        crops = local.crops.transpose(0, 1).flatten(0, 1)  # (n * B, 3, S, S), view after view
        locals_ = encoder(crops).class_token  # (n * B, D)
        teacher = self.model.project_by_teacher(torch.cat([first, second]).detach())
        student = self.model.projection(torch.cat([first, second, locals_]))
        temperature = self.recipe.ctc.temperature
        return class_token_contrast(student, teacher, local.is_positive, temperature)

    def _segmentation_terms(
        self, batch: TrainBatch, logits: Tensor, cam: Tensor, terms: Collection[str]
    ) -> dict[str, Tensor]:
        images, class_labels, boxes = batch.images, batch.class_labels, batch.boxes
        low, high = self.recipe.thresholds.low, self.recipe.thresholds.high
        intensities = eight_bit(images)  # (B, 3, H, W) in 0..1
        labels = refine_labels(self.refiner, intensities, cam, class_labels, low, high, boxes)
        size = images.shape[-2:]
        logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        losses: dict[str, Tensor] = {}
        if "seg" in terms:
            losses["seg"] = balanced_cross_entropy(logits, labels)
        if "energy" in terms:
            losses["energy"] = self.energy(images, logits, labels, boxes)
        return losses
