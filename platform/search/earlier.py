"""An earlier search to learn from: what it shares with this one, and its model of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from platform.search.curve.model import LEAST_TRIALS, can_fit, fit_model
from platform.search.curve.prior_mean import EarlierModel
from platform.search.curve.rows import Observed
from platform.search.curve.threads import one_thread
from platform.search.observed import observe
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.cube import Cube
from platform.search.study import SETUP, default_storage, objective_of
from platform.search.study_setup import RANGE_OF, range_texts

_UNFINISHED = 100.0  # below any complete trial, in units of the best one's lead


@dataclass(frozen=True, kw_only=True)
class EarlierSearch:
    """A search that another one learns from.

    Attributes:
        name: as messages call it.
        trials: that have scores.
        shared: settings that both search over the same range.
        different: what else this search varies, and why nothing is learnt of it.
        model: of its scores over what is shared.
        best: the complete configuration that was worth most, as one of this search.
    """

    name: str
    trials: int
    shared: Sequence[str]
    different: Mapping[str, str]
    model: EarlierModel
    best: Params

    def describe(self) -> str:
        """Say in a line what is learnt from it, and what is not."""
        apart = "; ".join(f"{key} ({why})" for key, why in self.different.items())
        text = f"learning from {self.name}, {self.trials} trials: {', '.join(self.shared)}"
        return f"{text}; not {apart}" if apart else text


def read_earlier(directory: Path, space: CheckedSpace, objective: str) -> EarlierSearch:
    """Read the search of a directory, to learn from it.

    Raises:
        ValueError: there is none, it maximised something else, or has nothing in common with
            this space.
    """
    study, where = _open(directory), f"--learn-from {directory}"
    setup: Mapping[str, Any] = study.user_attrs.get(SETUP, {})
    maximised = objective_of(study)
    if maximised != objective:
        raise ValueError(f"{where}: it maximised {maximised}, and this search {objective}")
    if "recipe iterations" not in setup:
        raise ValueError(f"{where}: no search of this platform")
    iterations = int(setup["recipe iterations"])
    trials = study.get_trials(deepcopy=False)
    return learn(str(directory), trials, iterations, space, _different(setup, range_texts(space)))


def _different(there: Mapping[str, Any], here: Mapping[str, str]) -> dict[str, str]:
    """Say of each searched setting that is not searched alike why nothing is learnt of it."""
    known = {key: str(text) for key, text in there.items() if key.startswith(RANGE_OF)}
    ranges = {key: (known.get(key, "fixed"), here.get(key, "fixed")) for key in (*here, *known)}
    return {
        key.removeprefix(RANGE_OF): f"{earlier} there, {now} here"
        for key, (earlier, now) in ranges.items()
        if earlier != now
    }


def learn(
    name: str,
    trials: Sequence[FrozenTrial],
    iterations: int,
    space: CheckedSpace,
    different: Mapping[str, str] | None = None,
) -> EarlierSearch:
    """Fit the model of an earlier search over what it shares with this one.

    Args:
        name: of the search.
        trials: of it.
        iterations: of a whole training there.
        space: of this search.
        different: settings that the two do not search alike, and why.

    Raises:
        ValueError: they share nothing, or there are too few scores.
    """
    different, cube = different or {}, Cube(space)
    keys = [one.key for one in space.space.parameters]
    shared = [key for key in keys if key not in different]
    if not shared:
        raise ValueError(f"--learn-from {name}: it searched nothing over the ranges of this space")
    observed = observe(trials, cube, iterations, shared)
    if not can_fit(observed):
        raise ValueError(
            f"--learn-from {name}: fewer than {LEAST_TRIALS} of its trials have scores"
        )
    chosen = [place for place, key in enumerate(keys) if key in shared]
    columns = np.flatnonzero(np.isin(cube.groups, chosen))
    groups = np.searchsorted(chosen, cube.groups[columns])
    with one_thread():
        fitted = fit_model([replace(o, features=o.features[columns]) for o in observed], groups)
    model = EarlierModel(fitted.posterior, columns)
    return EarlierSearch(
        name=name,
        trials=sum(len(one.scores) > 0 for one in observed),
        shared=shared,
        different=different,
        model=model,
        best=space.starting_point(_best(model, trials, observed, shared)),
    )


def _best(
    model: EarlierModel,
    trials: Sequence[FrozenTrial],
    observed: Sequence[Observed],
    shared: Sequence[str],
) -> Params:
    """Return the values of what is shared of the complete trial that was worth most."""
    worth = model.worth(np.stack([one.features for one in observed]))
    ended = {t.number for t in trials if t.state == TrialState.COMPLETE}
    worth[[one.number not in ended for one in observed]] -= _UNFINISHED
    number = observed[int(np.argmax(worth))].number
    params = next(trial.params for trial in trials if trial.number == number)
    return {key: params[key] for key in shared if key in params}


def _open(directory: Path) -> optuna.Study:
    journal = Path(default_storage(directory))
    if not journal.is_file():
        raise ValueError(f"--learn-from {directory}: there is no study.journal of a search in it")
    # nothing is written, a torn last line is passed over: it may be another one's, or in work
    try:
        storage = JournalStorage(JournalFileBackend(str(journal)))
        summaries = optuna.get_all_study_summaries(storage)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"--learn-from {directory}: {journal} cannot be read ({error})") from None
    if not summaries:
        raise ValueError(f"--learn-from {directory}: {journal} has no study yet")
    return optuna.load_study(study_name=summaries[0].study_name, storage=storage)
