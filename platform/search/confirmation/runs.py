"""The runs of a confirmation: trials of a study of their own, all of them known beforehand.

So they are trained, shown, kept and taken up again as trials of a search are. Trials with the same
parameters differ in their seed: the n-th takes the n-th, whichever configuration it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import optuna
from optuna.trial import FrozenTrial

from platform.search.confirmation.chosen import Configuration, fresh_seed
from platform.search.optuna_internals import enqueued_params
from platform.search.pruners import make_pruner
from platform.search.setup import SearchSetup
from platform.search.space.checked import CheckedSpace
from platform.search.study import default_storage, open_storage, open_study
from toco_core.settings.overrides import apply_overrides

_CONFIGURATIONS = "configurations"  # the study attribute that says which trials of the search


def setup_runs(search: SearchSetup, name: str) -> SearchSetup:
    """Return what the runs have in common: the search's space, around a recipe of a fresh seed."""
    recipe = search.space.recipe
    space = CheckedSpace(
        replace(search.space.space, known=()),
        apply_overrides(recipe, {"seed": fresh_seed(recipe.seed)}),
        search.space.depth,
    )
    directory, store = search.directory / name, search.store and search.store / name
    name = f"{search.name}-{name}"
    return replace(search, name=name, directory=directory, store=store, space=space)


def open_runs(setup: SearchSetup) -> optuna.Study:
    """Create the study of the runs, or open the one that is there.

    Raises:
        ValueError: the one that is there is of another recipe, space or dataset.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return open_study(
        open_storage(default_storage(setup.directory)),
        setup.name,
        setup.space,
        sampler=optuna.samplers.RandomSampler(seed=0),  # is never asked: all runs are enqueued
        pruner=make_pruner("none", setup.space.recipe.iterations),
        extra=setup.fingerprint(),
    )


def configurations(study: optuna.Study) -> list[Configuration]:
    """Return the configurations that the runs were begun with, without the recipe."""
    return [Configuration(**entry) for entry in study.user_attrs.get(_CONFIGURATIONS, [])]


def add_runs(
    study: optuna.Study, setup: SearchSetup, wanted: Sequence[Configuration], seeds: int
) -> list[Configuration]:
    """Enqueue what is missing until all configurations have so many seeds; nothing is ever dropped.

    Seed by seed, so that a session that ends early leaves pairs. What is there already goes first:
    of the wanted configurations only so many are added as there are more wanted.

    Returns:
        All configurations, the recipe first.
    """
    kept = configurations(study)
    known = [one.params for one in kept]
    new = [one for one in wanted if one.params not in known]
    others = kept + new[: max(len(wanted) - len(kept), 0)]
    entries = [{"trial": one.trial, "params": one.params} for one in others]
    if entries != study.user_attrs.get(_CONFIGURATIONS):
        study.set_user_attr(_CONFIGURATIONS, entries)
    chosen = [Configuration(trial=0, params=setup.space.starting_points()[0]), *others]
    counts = [len(runs_of(study, one)) for one in chosen]
    for seed in range(max(seeds, *counts)):
        for index, one in enumerate(chosen):
            if counts[index] <= seed:
                study.enqueue_trial(one.params)
    return chosen


def runs_of(study: optuna.Study, one: Configuration) -> list[FrozenTrial]:
    """Return the runs of a configuration in the order of their seeds, those to come included."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if enqueued_params(trial) == one.params]


def seed_of(setup: SearchSetup, repeat: int) -> int:
    """Return the seed of the n-th run of a configuration, n from 0."""
    return setup.space.recipe.seed + repeat
