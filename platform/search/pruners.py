"""Optuna's pruners by name, with rungs at shares of a trial's iterations."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from optuna import Study, pruners
from optuna.trial import FrozenTrial

from platform.search.front.halving import FrontHalving

# On the authors' logs a rung at 10 % ranks pairs of runs no better than chance.
_FIRST_RUNG = 0.2

# A rung judges from so many scores on. With two it would end one of the first two trials by
# whatever the noise: on PartScenes a trial of 69.4 CAM mIoU in the end (the published configuration
# has 66.6) was ended for 0.4 at the first rung or not, as the order of the two scores was.
# On made-up curves three cost no more training than none; four cost a fifth more.
_JURY = 3


class PatientHalving(pruners.SuccessiveHalvingPruner):
    """Successive halving that lets the first trials pass each rung."""

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether a trial stops; its score is on its rung in any case."""
        verdict = super().prune(study, trial)
        return verdict and _have_reached(study, trial.last_step or 0, _JURY)


def _have_reached(study: Study, step: int, count: int) -> bool:
    """Whether so many trials have a score at a step or after it; few of thousands are looked at."""
    last_steps = (trial.last_step for trial in study.get_trials(deepcopy=False))
    reached = (step for last in last_steps if last is not None and last >= step)
    return len(list(islice(reached, count))) == count


def _halving(iterations: int) -> pruners.BasePruner:
    # Rungs at 20, 40 and 80 %: the first one doubled. `bootstrap_count` stays 0: Optuna does not
    # wait for so many trials, it prunes them. With 12 trials, 2 at once, on made-up curves, it
    # pruned 79 % of the trials for 48 % of the training, and lost nothing on the best one; rungs at
    # 40 and 80 % alone took 66 %.
    return PatientHalving(
        min_resource=_first_rung(iterations), reduction_factor=2, bootstrap_count=0
    )


def _median(iterations: int) -> pruners.BasePruner:
    # Optuna waits for five completed trials, nearly half of a small search. On the same curves four
    # took 67 % of the training, two 48 %.
    return pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=_first_rung(iterations))


def _hyperband(iterations: int) -> pruners.BasePruner:
    return pruners.HyperbandPruner(
        min_resource=_first_rung(iterations), max_resource=iterations, reduction_factor=2
    )


_BUILDERS: dict[str, Callable[[int], pruners.BasePruner]] = {
    "halving": _halving,
    "median": _median,
    "hyperband": _hyperband,
    "none": lambda _: pruners.NopPruner(),
}


def _first_rung(iterations: int) -> int:
    # Rounded down, so that a score after 20 % of the iterations never just misses the rung.
    return max(1, int(iterations * _FIRST_RUNG))


def make_pruner(name: str, iterations: int, objectives: int = 1) -> pruners.BasePruner:
    """Make a pruner by name.

    Args:
        name: One of `options.Pruner`.
        iterations: Training iterations of a whole trial; the step of their last score.
        objectives: How many the study maximises; Optuna prunes for one only.

    Raises:
        ValueError: If there is no such pruner.
    """
    if name not in _BUILDERS:
        raise ValueError(f"pruner {name!r} is not one of {', '.join(_BUILDERS)}")
    if objectives > 1 and name == "halving":
        first = _first_rung(iterations)
        return FrontHalving([first, 2 * first, 4 * first], _JURY)
    return _BUILDERS[name](iterations)
