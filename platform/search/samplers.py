"""Optuna's samplers by name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

from optuna import samplers
from optuna.exceptions import ExperimentalWarning

from platform.search.curve_sampler import STARTS, CurveSampler
from platform.search.earlier import EarlierSearch
from platform.search.space.checked import CheckedSpace
from platform.search.trial_sampler import Build, TrialSampler


def _qmc(space: CheckedSpace, study_seed: int, seed: int) -> samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # as it has been since Optuna 3
        return samplers.QMCSampler(
            scramble=True,
            seed=study_seed,  # one sequence for the whole study: only the place in it moves on
            independent_sampler=samplers.RandomSampler(seed=seed),
            warn_independent_sampling=False,
        )


_BUILDERS: dict[str, Build] = {
    "curve": CurveSampler,
    "tpe": lambda _space, _study, seed: samplers.TPESampler(
        multivariate=True, constant_liar=True, seed=seed
    ),
    # Optuna's GP waits for ten complete trials, most of a small search
    "gp": lambda _space, _study, seed: samplers.GPSampler(
        n_startup_trials=STARTS, seed=seed, warn_independent_sampling=False
    ),
    "cmaes": lambda _space, _study, seed: samplers.CmaEsSampler(
        seed=seed, warn_independent_sampling=False
    ),
    "random": lambda _space, _study, seed: samplers.RandomSampler(seed=seed),
    "qmc": _qmc,
    # Optuna's population of 50 makes a random search of any study that is not larger
    "nsga2": lambda _space, _study, seed: samplers.NSGAIISampler(population_size=10, seed=seed),
}
_PACKAGES = {"cmaes": ("cmaes",), "gp": ("scipy", "torch"), "qmc": ("scipy",)}


def make_sampler(
    name: str, space: CheckedSpace, seed: int, earlier: Sequence[EarlierSearch] = ()
) -> TrialSampler:
    """Make a sampler by name.

    Args:
        name: One of `options.Sampler`.
        space: What it proposes from.
        seed: The same seed and the same finished trials give the same proposal.
        earlier: Searches that `curve` learns from.

    Raises:
        ValueError: If there is no such sampler, or a package that it needs is not installed.
    """
    if name not in _BUILDERS:
        raise ValueError(f"sampler {name!r} is not one of {', '.join(_BUILDERS)}")
    missing = [package for package in _PACKAGES.get(name, ()) if find_spec(package) is None]
    if missing:
        packages = " ".join(missing)
        raise ValueError(
            f"sampler {name!r} needs {packages}: pip install {packages}, or use --sampler curve"
        )
    build = partial(CurveSampler, earlier=earlier) if earlier else _BUILDERS[name]
    return TrialSampler(build, space, seed)
