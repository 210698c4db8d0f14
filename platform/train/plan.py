"""What a training run needs to know; it is sent to the workers as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from toco_core.remote_path import PATIENCE_SECONDS, Place, place
from toco_core.settings import Recipe

SCORING_PURPOSE = "scores during training"  # of the masks that are opened, as the ledger shows it


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """How a run shares its first steps with others that begin alike.

    Attributes:
        directory: of the shared prefixes; every worker sees it.
        conditions: what decides the steps beside the settings, such as the device, by name.
        saved_at: iterations after which the run saves its prefix, if nobody has.
    """

    directory: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    saved_at: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """One run: of a trial, which only the search numbers, or of `python -m platform.train`."""

    recipe: Recipe
    dataset: str
    split: str | None  # scored while training goes on; None where nothing is
    directory: str  # for checkpoints, a path or URI; every worker sees it
    pictures: int = 4  # CAM pictures with each score
    masks: bool = True  # opened for a score
    count_images: int = 0  # of the first so many the counts come with the last score, one by one
    num_workers: int = 0  # loading processes of each rank
    loss_log: str | None = None  # file for the losses of every step
    scored: frozenset[int] = frozenset()  # iterations whose scores are known from earlier sessions
    sharing: Sharing | None = None  # None: the run shares nothing

    def under(self, conditions: Mapping[str, str]) -> RunPlan:
        """Return the plan with more of what decides the steps that it shares."""
        if self.sharing is None:
            return self
        known = {**self.sharing.conditions, **conditions}
        return replace(self, sharing=replace(self.sharing, conditions=known))

    @property
    def checkpoints(self) -> Place:
        return place(self.directory, PATIENCE_SECONDS)

    @property
    def unscored(self) -> frozenset[int]:
        """Iterations whose scores are still wanted."""
        return frozenset(score_points(self.recipe)) - self.scored if self.split else frozenset()


def score_points(recipe: Recipe) -> tuple[int, ...]:
    """Return the iterations after which a run is scored: evenly spaced, the last one at its end."""
    count = min(recipe.scoring.scores, recipe.iterations)
    return tuple(round(recipe.iterations * (k + 1) / count) for k in range(count))
