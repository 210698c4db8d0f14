"""The verdicts of a confirmation in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from platform.results.formats import gain
from platform.search.confirmation.chosen import RECIPE
from platform.search.confirmation.outcome import Outcome, Run
from platform.search.setup import REPORT_SPLIT
from platform.statistics.paired import PairedDifference
from platform.statistics.power import MOST_COUNTED
from platform.statistics.study import LEVEL, Comparison

METHOD = (
    "Same seeds for all, none of them used by the search; p of the one-sided paired t test after "
    f"Holm's correction for the number of comparisons, {100 * LEVEL:g} % in all; beside it the "
    "exact sign-flip test, uncorrected."
)


def sentences(outcome: Outcome) -> list[str]:
    """Say which configurations are better than the recipe, and what it would take to tell."""
    compared = {
        name: verdict.comparison for name, verdict in outcome.verdicts.items() if verdict.comparison
    }
    lines = [_verdict(name, one, len(outcome.seeds)) for name, one in compared.items()]
    lines += _without_verdict(outcome)
    lines += [_failed(run) for run in outcome.runs if run.report is None]
    return [*lines, METHOD] if compared else lines


def _verdict(name: str, one: Comparison, seeds: int) -> str:
    difference = _difference(one.difference, one.p, seeds)
    if one.better:
        return f"{name.capitalize()} is better than the {RECIPE}: {difference}."
    text = f"{name.capitalize()} cannot be told apart from the {RECIPE}: {difference}"
    return f"{text}; {_needed(one, seeds)}."


def _difference(one: PairedDifference, p: float, seeds: int) -> str:
    half = "" if math.isnan(one.half_width) else f" ±{100 * one.half_width:.1f}"
    return (
        f"{gain(one.mean)}{half} points on {REPORT_SPLIT} (95 %, {_seeds(seeds)}; p {p:.3f}, "
        f"sign flips {one.p_flip:.3f})"
    )


def _needed(one: Comparison, seeds: int) -> str:
    if seeds < 2:
        return "one seed says nothing of the noise between seeds"
    told = f"{_seeds(seeds)} tell {100 * one.least_told:.1f} points in four of five studies"
    if not one.difference.mean > 0:
        return f"{told}, and this one is not above the {RECIPE}"
    needed = f"more than {MOST_COUNTED}" if one.seeds_to_tell is None else str(one.seeds_to_tell)
    return f"{told}, and a difference of this size takes {needed}"


def _without_verdict(outcome: Outcome) -> list[str]:
    if not outcome.verdicts:
        return [f"There is no seed on which the {RECIPE} and another configuration have a score."]
    names: Sequence[str] = [one.name for one in outcome.chosen]
    return [
        f"{name.capitalize()} has no run that reached its end."
        for name in names
        if name not in outcome.verdicts
    ]


def _failed(run: Run) -> str:
    why = run.reason or "did not reach its end"
    return f"{run.configuration.name.capitalize()} with seed {run.seed} does not count: {why}."


def _seeds(count: int) -> str:
    return f"{count} seed{'s'[: count != 1]}"
