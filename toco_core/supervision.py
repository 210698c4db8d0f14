"""What the CAMs teach in one step: relations of tokens, local crops, labels of the segmentation."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor

from toco_core.data.batch import TrainBatch
from toco_core.images import eight_bit
from toco_core.local_crops import LocalCrops, cut_local_crops
from toco_core.losses import pair_counts, pixel_counts
from toco_core.pseudo_labels import token_labels, uncertainty_map
from toco_core.refine import PixelAdaptiveRefinement, refine_labels
from toco_core.settings import Recipe
from toco_core.terms import needs_decoder


class Supervision(NamedTuple):
    """Targets of one batch, without gradient; None where no term in force asks for them."""

    token_labels: Tensor | None = None  # (B, h, w), of PTC
    local: LocalCrops | None = None  # of CTC
    labels: Tensor | None = None  # (B, H, W), of the segmentation

    def counts(self, device: torch.device) -> Tensor:
        """Count what PTC and the segmentation loss divide by; they add up over batches.

        Returns:
            (4,) int64: positive pairs, negative pairs, background pixels, foreground pixels.
        """
        none = torch.zeros(2, dtype=torch.int64, device=device)
        pairs = none if self.token_labels is None else pair_counts(self.token_labels)
        pixels = none if self.labels is None else pixel_counts(self.labels)
        return torch.cat([pairs, pixels])


class Supervisor:
    """Turns the CAMs of a batch into its targets (paper, sections 3.2 to 3.4)."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.refiner = PixelAdaptiveRefinement(recipe.cam.par_iterations, recipe.cam.par_dilations)

    @torch.no_grad()
    def __call__(
        self,
        batch: TrainBatch,
        cams: tuple[Tensor, Tensor],
        grid: tuple[int, int],
        terms: Collection[str],
        iteration: int,
        local: LocalCrops | None = None,
    ) -> Supervision:
        """Make the targets that the terms in force ask for.

        Args:
            batch: B images.
            cams: final and auxiliary CAM, each (B, C, H, W) in 0..1.
            grid: of the patch tokens, (h, w).
            terms: of the loss.
            iteration: steps done so far.
            local: take these local crops instead of cutting some.
        """
        cam, cam_aux = cams
        # The authors refine the auxiliary CAM while the final one has not learnt enough (COCO).
        seed_cam = cam if iteration >= self.recipe.stages.final_cam else cam_aux
        return Supervision(
            token_labels=self._token_labels(batch, cam_aux, grid) if "ptc" in terms else None,
            local=(local or self._local_crops(batch, cam_aux)) if "ctc" in terms else None,
            labels=self._refined_labels(batch, seed_cam) if needs_decoder(terms) else None,
        )

    def _token_labels(self, batch: TrainBatch, cam_aux: Tensor, grid: tuple[int, int]) -> Tensor:
        thresholds = self.recipe.thresholds
        return token_labels(
            cam_aux,
            batch.class_labels,
            thresholds.low,
            thresholds.high,
            batch.boxes,
            grid,
            unscaled_boxes=self.recipe.official_quirks,
        )

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

    def _refined_labels(self, batch: TrainBatch, cam: Tensor) -> Tensor:
        thresholds = self.recipe.thresholds
        return refine_labels(
            self.refiner,
            eight_bit(batch.images),
            cam,
            batch.class_labels,
            thresholds.low,
            thresholds.high,
            batch.boxes,
        )
