"""Where the trials of a search part: after which iterations one saves what others may share.

Only where others will: a checkpoint that nobody goes on from is time and disk for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from platform.search.optuna_internals import enqueued_params
from platform.search.retries import repeat_of
from platform.search.space.checked import CheckedSpace
from platform.search.space.parameters import Parameter
from toco_core.settings import Recipe
from toco_core.settings.effects import first_effect, prefix_digest


def borders(space: CheckedSpace, recipe: Recipe) -> list[int]:
    """Return the iterations at which a searched setting begins to matter in a trial's recipe."""
    firsts = {first_effect(recipe, one.key) for one in space.space.parameters}
    return sorted(int(first) for first in firsts if 0 < first < recipe.iterations)


class Borders:
    """Knows after which iterations a trial saves its prefix.

    At a border of its stages, if another trial is known whose values coincide with its own so far,
    or if some must come: the values that matter so far are fewer than the trials.

    Args:
        space: what is searched.
        study: the record, with those trials that are enqueued.
        trials: of the study in all.
    """

    def __init__(self, space: CheckedSpace, study: optuna.Study, trials: int) -> None:
        self._space, self._study, self._trials = space, study, trials
        self._known: dict[str, set[int]] = {}  # numbers of the trials, by the digest of a prefix
        self._note_unfinished()

    def of(self, number: int, params: Mapping[str, Any], repeat: int) -> tuple[int, ...]:
        """Return after which iterations a trial saves its prefix, if nobody has."""
        try:
            recipe = self._space.recipe_for(params, repeat)
        except ValueError:  # the trial will fail by its parameters
            return ()
        return tuple(
            iteration
            for iteration, digest in self._note(number, recipe)
            if self._known[digest] > {number} or self._must_coincide(recipe, iteration)
        )

    @property
    def will_be_shared(self) -> bool:
        """Whether trials must coincide at one of the recipe's borders."""
        recipe = self._space.recipe
        return any(self._must_coincide(recipe, one) for one in borders(self._space, recipe))

    def _note_unfinished(self) -> None:
        """Take note of the trials that are to come or to go on."""
        for trial in self._study.get_trials(deepcopy=False):
            params = trial.params or self._enqueued(trial)
            if params and not trial.state.is_finished():
                self.of(trial.number, params, repeat_of(self._study, trial.number, params))

    def _enqueued(self, trial: FrozenTrial) -> dict[str, Any]:
        fixed = enqueued_params(trial)
        return self._space.starting_point(fixed) if fixed else {}

    def _note(self, number: int, recipe: Recipe) -> list[tuple[int, str]]:
        """Take note of a trial's prefixes, and return them: iterations and digests."""
        found = [(one, prefix_digest(recipe, one, {})) for one in borders(self._space, recipe)]
        for _, digest in found:
            self._known.setdefault(digest, set()).add(number)
        return found

    def _must_coincide(self, recipe: Recipe, iteration: int) -> bool:
        """Whether so many trials cannot all differ by then; repeats have seeds of their own."""
        counts = (
            _count(one)
            for one in self._space.space.parameters
            if first_effect(recipe, one.key) < iteration
        )
        is_first = recipe.seed == self._space.recipe.seed
        return is_first and math.prod(counts) < self._trials


def _count(parameter: Parameter) -> float:
    """Return how many values a parameter may take."""
    if parameter.kind == "category":
        return len(parameter.choices)
    step = parameter.step or (1 if parameter.kind == "int" else None)
    if step is None:
        return 1 if parameter.low == parameter.high else math.inf
    return math.floor((parameter.high - parameter.low) / step + 1e-8) + 1
