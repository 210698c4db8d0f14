"""What the CAMs teach in one step: relations of tokens, local crops, labels of the segmentation."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor

from toco_core.cam.local_crops import LocalCrops, cut_local_crops
from toco_core.cam.present_classes import PresentClasses
from toco_core.cam.pseudo_labels import token_labels, uncertainty_map
from toco_core.cam.refine import PixelAdaptiveRefinement, refine_labels
from toco_core.data.batch import TrainBatch
from toco_core.images import eight_bit
from toco_core.losses.contrast import pair_counts
from toco_core.losses.pixels import pixel_counts
from toco_core.losses.terms import needs_decoder
from toco_core.settings import Recipe


class Supervision(NamedTuple):
    """Targets of one batch, without gradient; None where no term in force asks for them."""

    token_labels: Tensor | None = None  # (B, h, w), of PTC; they count the image's own classes
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
        present: PresentClasses,
        grid: tuple[int, int],
        terms: Collection[str],
        iteration: int,
        local: LocalCrops | None = None,
    ) -> Supervision:
        """Make the targets that the terms in force ask for.

        Args:
            batch: B images.
            cams: final and auxiliary CAM of the classes present, each (B, K, H, W) in 0..1.
            present: which those are.
            grid: of the patch tokens, (h, w).
            terms: of the loss.
            iteration: steps done so far.
            local: take these local crops instead of cutting some.
        """
        cam, cam_aux = cams
        # The authors refine the auxiliary CAM while the final one has not learnt enough (COCO).
        seed_cam = cam if iteration >= self.recipe.stages.final_cam else cam_aux
        return Supervision(
            token_labels=(
                self._token_labels(batch, cam_aux, present, grid) if "ptc" in terms else None
            ),
            local=(local or self._local_crops(batch, cam_aux, present)) if "ctc" in terms else None,
            labels=self._refined_labels(batch, seed_cam, present) if needs_decoder(terms) else None,
        )

    def _token_labels(
        self, batch: TrainBatch, cam_aux: Tensor, present: PresentClasses, grid: tuple[int, int]
    ) -> Tensor:
        return token_labels(
            cam_aux,
            present.is_present,
            *self._thresholds,
            batch.boxes,
            grid,
            unscaled_boxes=self.recipe.official_quirks,
        )

    def _local_crops(
        self, batch: TrainBatch, cam_aux: Tensor, present: PresentClasses
    ) -> LocalCrops:
        (low, high), ctc = self._thresholds, self.recipe.ctc
        uncertainty = uncertainty_map(cam_aux, present.is_present, low, high)
        return cut_local_crops(
            batch.local_source,
            uncertainty,
            batch.crop_seeds,
            count=ctc.local_crops,
            size=ctc.local_size,
            negative_share=ctc.negative_share,
        )

    def _refined_labels(self, batch: TrainBatch, cam: Tensor, present: PresentClasses) -> Tensor:
        images, (low, high) = eight_bit(batch.images), self._thresholds
        labels = refine_labels(
            self.refiner, images, cam, present.is_present, low, high, batch.boxes
        )
        return present.name_labels(labels)

    @property
    def _thresholds(self) -> tuple[float, float]:
        return self.recipe.thresholds.low, self.recipe.thresholds.high
