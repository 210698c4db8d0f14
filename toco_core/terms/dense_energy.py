"""The dense energy of the segmentation: like colours, like labels (paper, section 3.4)."""

from __future__ import annotations

from torch import Tensor

from toco_core.losses.energy import DenseEnergyLoss
from toco_core.settings import Recipe
from toco_core.terms.refined_labels import labelled_pixels, refined_labels
from toco_core.terms.term import Term, TrainingPass


class DenseEnergy(Term):
    """Dense energy inside the valid boxes."""

    name = "energy"
    head = "decoder"
    targets = (refined_labels,)

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.loss = build_energy(recipe)

    def __call__(self, given: TrainingPass) -> Tensor:
        batch, pixels = given.batch, given.once(labelled_pixels)
        labels = given.targets[refined_labels]
        return self.loss.of_probabilities(
            batch.images, pixels.probabilities, labels, batch.boxes, given.lattice
        )


def build_energy(recipe: Recipe) -> DenseEnergyLoss:
    """Build the energy of a recipe."""
    energy = recipe.energy
    return DenseEnergyLoss(energy.weight, energy.sigma_rgb, energy.sigma_xy, energy.scale_factor)
