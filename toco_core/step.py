"""One training step of ToCo: from a batch to its losses."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from toco_core.cam.local_crops import LocalCrops
from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.present_classes import present_classes
from toco_core.cam.pseudo_labels import token_affinity
from toco_core.data.batch import TrainBatch
from toco_core.losses.classification import multilabel_soft_margin
from toco_core.losses.contrast import class_token_contrast, patch_token_loss, patch_token_sums
from toco_core.losses.energy import DenseEnergyLoss
from toco_core.losses.halves import Halves
from toco_core.losses.pixel_softmax import enlarge, pixel_softmax
from toco_core.losses.pixels import balanced_loss, balanced_sums
from toco_core.losses.terms import needs_decoder, terms_in_force, total_loss
from toco_core.model.toco import ToCo, ToCoOutput
from toco_core.parallel.precision import autocast
from toco_core.parallel.ranks import sum_over_ranks
from toco_core.settings import Recipe
from toco_core.supervision import Supervision, Supervisor


class Part(NamedTuple):
    """One of several parts that a step's batch is worked through in."""

    supervision: Supervision  # of this part
    counts: Tensor  # (4,) of all parts and ranks together, as of `Supervision.counts`
    is_first: bool


class ToCoLosses(nn.Module):
    """The network together with all its losses (paper, equation 8).

    A whole step is one forward, so that DistributedDataParallel can wrap it. No image is encoded
    twice with the same weights: the pass over the first global view gives its CAM at scale 1 and
    the class token of student and teacher.

    Args:
        model: is trained.
        recipe: of the run.
        world_size: ranks that share a step.
        parts: that a rank's batch is worked through in, one after the other. The losses of all
            ranks and parts average to the loss of the whole batch: what PTC and the segmentation
            loss divide by is counted over all of it.
    """

    def __init__(self, model: ToCo, recipe: Recipe, *, world_size: int = 1, parts: int = 1) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.world_size, self.parts = world_size, parts
        # With drop path the training pass gives a CAM of a network with holes: not to be reused.
        self.reuse_raw_cam = not model.encoder.is_stochastic
        self.supervisor = Supervisor(recipe)
        energy = recipe.energy
        self.energy = DenseEnergyLoss(
            energy.weight, energy.sigma_rgb, energy.sigma_xy, energy.scale_factor
        )

    def forward(
        self,
        batch: TrainBatch,
        iteration: int,
        local_crops: LocalCrops | None = None,
        part: Part | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses in force at an iteration, unweighted, and their weighted total.

        Args:
            batch: one rank's images, or a part of them.
            iteration: steps done so far; it decides which stage the training is in.
            local_crops: use these, instead of cutting some where the auxiliary CAM is uncertain.
            part: what was prepared for it, if `batch` is a part.

        Returns:
            Scalars: cls, cls_aux, those of ptc, ctc, seg and energy that are in force, total.
        """
        terms = terms_in_force(self.recipe, iteration)
        with self._autocast(batch.images):
            output = self.model(batch.images, segment=needs_decoder(terms))
        losses = {
            "cls": multilabel_soft_margin(output.cls, batch.class_labels),
            "cls_aux": multilabel_soft_margin(output.cls_aux, batch.class_labels),
        }
        if terms:
            part = part or self._whole(batch, iteration, output, local_crops)
            targets, pairs, pixels = part.supervision, part.counts[:2], part.counts[2:]
            # The segmentation first: its large maps are gone before the local crops' graph comes,
            # and in the backward pass that graph is gone before the maps come back.
            if output.seg is not None and targets.labels is not None:
                losses |= self._segmentation_terms(batch, output.seg, targets.labels, pixels, terms)
            if targets.token_labels is not None:
                losses["ptc"] = self._patch_term(output.tokens, targets.token_labels, pairs)
            if targets.local is not None:
                losses["ctc"] = self._class_term(batch, output, targets.local, part.is_first)
        losses["total"] = total_loss(losses, self.recipe)
        return losses

    @torch.no_grad()
    def prepare(self, batch: TrainBatch, iteration: int) -> Supervision:
        """Make the targets of a part before its losses, so that all parts can be counted first."""
        if not terms_in_force(self.recipe, iteration):
            return Supervision()
        return self._supervise(batch, iteration, None, None)

    def _whole(
        self, batch: TrainBatch, iteration: int, output: ToCoOutput, local: LocalCrops | None
    ) -> Part:
        raw = torch.cat([output.cam_raw, output.cam_aux_raw], dim=1)  # (B, 2 C, h, w)
        known = raw if self.reuse_raw_cam else None
        supervision = self._supervise(batch, iteration, known, local)
        counts = sum_over_ranks(supervision.counts(batch.images.device), self.world_size)
        return Part(supervision, counts, is_first=True)

    def _supervise(
        self, batch: TrainBatch, iteration: int, raw: Tensor | None, local: LocalCrops | None
    ) -> Supervision:
        present = present_classes(batch.class_labels, batch.most_classes)
        scales = self.recipe.cam.scales
        with self._autocast(batch.images):
            cams = multi_scale_cam(self.model, batch.images, scales, raw=raw, present=present)
        height, width = batch.images.shape[-2:]
        grid = self.model.encoder.grid(height, width)
        terms = terms_in_force(self.recipe, iteration)
        return self.supervisor(batch, cams, present, grid, terms, iteration, local)

    def _autocast(self, images: Tensor) -> torch.autocast:
        # Opened anew for each pass: within one context, weights that a pass without gradient has
        # cast would be reused by the next one, and get no gradient.
        return autocast(self.recipe.compute.precision, images.device)

    def _share(self, halves: Halves, counts: Tensor) -> Halves:
        """Scale the sums so that the mean over ranks and parts is the sum over `counts`."""
        return Halves(halves.sums * (self.world_size * self.parts), counts)

    def _patch_term(self, tokens: Tensor, labels: Tensor, counts: Tensor) -> Tensor:
        halves = patch_token_sums(tokens, token_affinity(labels))
        return patch_token_loss(self._share(halves, counts))

    def _class_term(
        self, batch: TrainBatch, output: ToCoOutput, local: LocalCrops, is_first: bool
    ) -> Tensor:
        crops = local.crops.transpose(0, 1).flatten(0, 1)  # (n * B, 3, S, S), view after view
        with self._autocast(batch.images):
            second = self.model.encoder.class_token(batch.global_view)  # (B, D)
            globals_ = torch.cat([output.class_token, second])  # (2 B, D)
            locals_ = self.model.encoder.class_token(crops)  # (n * B, D)
            student = self.model.projection(torch.cat([globals_, locals_]))
        with self._autocast(batch.images):
            teacher = self.model.project_by_teacher(globals_.detach(), update=is_first)
        return class_token_contrast(
            student, teacher, local.is_positive, self.recipe.ctc.temperature
        )

    def _segmentation_terms(
        self,
        batch: TrainBatch,
        logits: Tensor,
        labels: Tensor,
        counts: Tensor,
        terms: frozenset[str],
    ) -> dict[str, Tensor]:
        size = (batch.images.shape[-2], batch.images.shape[-1])
        pixels = pixel_softmax(enlarge(logits.float(), size), labels)
        losses: dict[str, Tensor] = {}
        if "seg" in terms:
            halves = balanced_sums(pixels.cross_entropy, labels)
            losses["seg"] = balanced_loss(self._share(halves, counts))
        if "energy" in terms:
            losses["energy"] = self.energy.of_probabilities(
                batch.images, pixels.probabilities, labels, batch.boxes
            )
        return losses
