"""All weighted terms of a run, and what they add up to (paper, equation 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from toco_core.settings import Recipe
from toco_core.terms.class_contrast import ClassContrast
from toco_core.terms.counts import Counts
from toco_core.terms.dense_energy import DenseEnergy
from toco_core.terms.patch_contrast import PatchContrast
from toco_core.terms.segmentation import Segmentation
from toco_core.terms.targets import Targets
from toco_core.terms.term import Term

# In the order of equation 8, in which they are added up.
TERMS: tuple[type[Term], ...] = (PatchContrast, ClassContrast, Segmentation, DenseEnergy)


class Objective:
    """The terms beside the two classification losses, with the weights and stages of a recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self._freeze = recipe.optimiser.freeze
        self.terms = tuple(kind(recipe) for kind in TERMS)

    def in_force(self, iteration: int) -> tuple[Term, ...]:
        """Return the terms whose stage has come and whose weight is not 0."""
        return tuple(term for term in self.terms if term.is_in_force(iteration))

    def idle_parts(self, iteration: int) -> frozenset[str]:
        """Return the parts of the network that do not learn yet: heads, or a frozen encoder."""
        trained = {term.head for term in self.in_force(iteration)}
        idle = {"decoder", "projection"} - trained
        return frozenset(idle | {"encoder"} if iteration < self._freeze else idle)

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Add up the losses that are there, both classification losses with weight 1."""
        total = losses["cls"] + losses["cls_aux"]
        for term in self.terms:
            if term.name in losses:
                total = total + term.weight * losses[term.name]
        return total


def count(terms: Iterable[Term], targets: Targets) -> Counts:
    """Count what the sums of these terms are divided by, in one batch."""
    counts = {term.name: term.count(targets) for term in terms}
    return Counts({name: one for name, one in counts.items() if one is not None})


def split_by_decoder(terms: Iterable[Term]) -> tuple[list[Term], list[Term]]:
    """Return the terms that read the segmentation, and the others."""
    terms = tuple(terms)
    return (
        [term for term in terms if term.head == "decoder"],
        [term for term in terms if term.head != "decoder"],
    )
