"""Many searches in one line: means over tasks, intervals, a paired test against another method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t, wilcoxon

from benchmarks.search_quality.searches import MARKS, Lead, Outcome

Array: TypeAlias = NDArray[np.float64]
Searches: TypeAlias = Mapping[tuple[str, int], Outcome]  # (task, seed) -> what was found

_LEAST_TASKS = 6  # with fewer no Wilcoxon test can reach 0.05


def summarise(searches: Searches, reference: Searches) -> dict[str, Any]:
    """Return what a method found, and how that differs from a reference.

    A task counts once, by the mean over its seeds: searches of one task have much in common. Where
    there is only one, intervals and tests are over its seeds.

    Args:
        searches: of the method.
        reference: searches of the same tasks and seeds by another method, or by itself.

    Returns:
        Mean regret at each mark; at the last one also half the 95 % interval over tasks (or
        seeds: `over` says which), the difference to the reference with its interval and the p of
        a Wilcoxon test;
        means of trials, complete ones and the time of a proposal; how true is what the searches say
        of their winner's lead over trial 0.
    """
    last = MARKS[-1]
    at_end = by_task(searches, lambda one: one.regret[last])
    difference = at_end - by_task(reference, lambda one: one.regret[last])
    outcomes, tasks = list(searches.values()), len({task for task, _ in searches})
    tested = len(difference) >= _LEAST_TASKS and bool(np.any(difference))
    return {
        "tasks": tasks,
        "over": "tasks" if tasks > 1 else "seeds",
        "regret": {
            m: _rounded(by_task(searches, lambda o, m=m: o.regret[m]).mean()) for m in MARKS
        },
        "interval": _rounded(half_interval(at_end)),
        "to_first": _rounded(difference.mean()),
        "to_first_interval": _rounded(half_interval(difference)),
        "wilcoxon_p": _rounded(_p(difference)) if tested else None,
        "trials": _rounded(float(np.mean([one.trials for one in outcomes])), 1),
        "complete": _rounded(float(np.mean([one.complete for one in outcomes])), 1),
        "proposal_ms": _rounded(float(np.mean([one.proposal_ms for one in outcomes])), 1),
        **_leads([one.lead for one in outcomes if one.lead]),
    }


def _leads(leads: Sequence[Lead]) -> dict[str, Any]:
    """Return of how many leads which share holds the truth, is told apart, and wrongly so."""
    shares = {
        "holding": [one.holds for one in leads],
        "told_apart": [one.is_told_apart for one in leads],
        "wrongly": [one.is_told_apart and one.true <= 0 for one in leads],
    }
    if not leads:
        return {}
    found = {name: _rounded(float(np.mean(values))) for name, values in shares.items()}
    return {"leads": len(leads), **found}


def by_task(searches: Searches, value: Callable[[Outcome], float]) -> Array:
    """Return the mean of a value over the seeds of each task, (T,); of one task each seed's."""
    tasks = dict.fromkeys(task for task, _ in searches)
    if len(tasks) == 1:
        return np.array([value(one) for one in searches.values()])
    of_task = {task: [value(o) for (t, _), o in searches.items() if t == task] for task in tasks}
    return np.array([float(np.mean(values)) for values in of_task.values()])


def half_interval(values: Array) -> float | None:
    """Return half the 95 % interval of a mean by Student's t; None for a single value."""
    if len(values) < 2:
        return None
    quantile = float(t.ppf(0.975, len(values) - 1))
    return quantile * float(values.std(ddof=1)) / float(np.sqrt(len(values)))


def _p(differences: Array) -> float:
    """Return the p of a two-sided Wilcoxon signed-rank test."""
    test: Any = wilcoxon(differences)  # SciPy's annotations hide its fields
    return float(test.pvalue)


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)
