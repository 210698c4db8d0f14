"""One training step of ToCo: from a batch to its losses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toco_core.cam.multi_scale import multi_scale_cam
from toco_core.cam.present_classes import present_classes
from toco_core.cam.refine import PixelAdaptiveRefinement
from toco_core.data.batch import TrainBatch
from toco_core.losses.classification import multilabel_soft_margin
from toco_core.losses.lattice_corners import SortedCorners
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.model.cam_network import CamNetwork
from toco_core.model.toco import ToCo, ToCoOutput
from toco_core.parallel.precision import autocast, precision_on, sharing_casts
from toco_core.parallel.ranks import sum_over_ranks
from toco_core.settings import Recipe
from toco_core.terms.counts import Counts
from toco_core.terms.dense_energy import DenseEnergy
from toco_core.terms.objective import Objective, count, split_by_decoder
from toco_core.terms.targets import StepCams, Target, Targets
from toco_core.terms.term import Term, TrainingPass


class Part(NamedTuple):
    """One of several parts that a step's batch is worked through in."""

    targets: Targets  # of this part
    counts: Counts  # of all parts and ranks together
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
        self.objective = Objective(recipe)
        self.refiner = PixelAdaptiveRefinement(recipe.cam.par_iterations, recipe.cam.par_dilations)
        # A GPU takes both views in one pass, a CPU one after the other: that needs less memory.
        self.views_together = False
        self._cam_network: list[CamNetwork] = []  # in a list, since it is nothing to train or save

    def forward(
        self,
        batch: TrainBatch,
        iteration: int,
        known: Mapping[Target[Any], Any] | None = None,
        part: Part | None = None,
        lattice: PermutohedralLattice | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses in force at an iteration, unweighted, and their weighted total.

        Args:
            batch: one rank's images, or a part of them.
            iteration: steps done so far; it decides which stage the training is in.
            known: targets to take instead of making them from the CAMs.
            part: what was prepared for it, if `batch` is a part.
            lattice: of the images' energy, where it has been built already.

        Returns:
            Scalars: cls, cls_aux, those of the weighted terms that are in force, total.
        """
        with sharing_casts(batch.images.device):
            return self._losses(batch, iteration, known, part, lattice)

    def _losses(
        self,
        batch: TrainBatch,
        iteration: int,
        known: Mapping[Target[Any], Any] | None,
        part: Part | None,
        lattice: PermutohedralLattice | None,
    ) -> dict[str, Tensor]:
        self.model.encoder.frozen = iteration < self.recipe.optimiser.freeze
        terms = self.objective.in_force(iteration)
        of_segmentation, others = split_by_decoder(terms)
        together = self.views_together and any(term.reads_second_view for term in terms)
        second = batch.global_view if together else None
        with self._autocast(batch.images):  # first: it casts the weights with their gradient
            output = self.model(batch.images, segment=bool(of_segmentation), second=second)
        losses = {
            "cls": multilabel_soft_margin(output.cls, batch.class_labels),
            "cls_aux": multilabel_soft_margin(output.cls_aux, batch.class_labels),
        }
        if terms:
            part = part or self._whole(batch, iteration, output, known)
            # The segmentation first: its large maps are gone before the local crops' graph comes,
            # and in the backward pass that graph is gone before the maps come back.
            losses |= self.compute(of_segmentation, batch, output, part, lattice)
            losses |= self.compute(others, batch, output, part)
        losses["total"] = self.objective.total(losses)
        return losses

    @torch.no_grad()
    def prepare(self, batch: TrainBatch, iteration: int) -> Targets:
        """Make the targets of a part before its losses, so that all parts can be counted first."""
        return self._targets(batch, iteration, None, None)

    def count(self, parts: Sequence[Targets], iteration: int) -> Counts:
        """Count what terms divide by, over all parts of a step and all ranks, which meet here."""
        terms = self.objective.in_force(iteration)
        counts = reduce(add, (count(terms, part) for part in parts))
        return counts.over_ranks(partial(sum_over_ranks, world_size=self.world_size))

    @property
    def corners(self) -> Callable[[Tensor], SortedCorners] | None:
        """What prepares the lattice of images (B, 3, H, W); None where no term has one."""
        energies = (term for term in self.objective.terms if isinstance(term, DenseEnergy))
        return next((term.loss.corners for term in energies if term.weight > 0), None)

    def compute(
        self,
        terms: Iterable[Term],
        batch: TrainBatch,
        output: ToCoOutput,
        part: Part,
        lattice: PermutohedralLattice | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of some terms; what they share is gone afterwards."""
        given = TrainingPass(
            model=self.model,
            batch=batch,
            output=output,
            targets=part.targets,
            counts=part.counts,
            shares=self.world_size * self.parts,
            is_first=part.is_first,
            lattice=lattice,
            autocast=lambda: self._autocast(batch.images),
        )
        return {term.name: term(given) for term in terms}

    def _whole(
        self,
        batch: TrainBatch,
        iteration: int,
        output: ToCoOutput,
        known: Mapping[Target[Any], Any] | None,
    ) -> Part:
        raw = output.raw_cams if self.reuse_raw_cam else None
        targets = self._targets(batch, iteration, raw, known)
        return Part(targets, self.count([targets], iteration), is_first=True)

    def _targets(
        self,
        batch: TrainBatch,
        iteration: int,
        raw: Tensor | None,
        known: Mapping[Target[Any], Any] | None,
    ) -> Targets:
        terms = self.objective.in_force(iteration)
        if not terms:
            return Targets({})
        present = present_classes(batch.class_labels, batch.most_classes)
        scales = self.recipe.cam.scales
        with self._autocast(batch.images):
            network = self._network_of_cams(batch.images.device)
            cams = multi_scale_cam(network, batch.images, scales, raw=raw, present=present)
        height, width = batch.images.shape[-2:]
        grid = self.model.encoder.grid(height, width)
        step = StepCams(batch, self.recipe, iteration, *cams, present, grid, self.refiner)
        return Targets.of(step, (target for term in terms for target in term.targets), known)

    def _network_of_cams(self, device: torch.device) -> ToCo | CamNetwork:
        if precision_on(device, self.recipe) != "bfloat16":
            return self.model
        if not self._cam_network:
            self._cam_network.append(CamNetwork(self.model))
        (network,) = self._cam_network
        network.follow()
        return network

    def _autocast(self, images: Tensor) -> torch.autocast:
        return autocast(precision_on(images.device, self.recipe), images.device)
