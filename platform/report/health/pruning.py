"""What stopping trials early has saved, and what it may have cost."""

from __future__ import annotations

import numpy as np

from platform.report.health.card import Card
from platform.report.rungs import rungs
from platform.report.searched import Searched
from platform.search.curve.threads import one_thread

_LIKELY = 0.2  # chance of being worth more than the winner


def pruning_card(searched: Searched) -> Card:
    """Count the iterations saved, and ask the model which stopped trial would have won."""
    title = "Did stopping early pay?"
    stopped = [row for row in searched.trials if row.state == "pruned"]
    if not stopped:
        return Card(title=title, state="good", finding="No trial was stopped early.")
    whole = searched.recipe.iterations
    saved = sum(whole - row.iteration for row in stopped) / (whole * len(searched.trials))
    parts = [f"{len(stopped)} trials stopped early saved {100 * saved:.0f} % of the training."]
    parts += _winner_at_rungs(searched)
    chances = chances_of_stopped(searched)
    if not chances:
        return Card(title=title, state="unknown", finding=" ".join(parts))
    number = max(chances, key=chances.__getitem__)
    parts.append(
        f"By the model the likeliest of them to be worth more than the winner is trial {number}, "
        f"with {100 * chances[number]:.0f} %."
    )
    likely = [str(one) for one, chance in sorted(chances.items()) if chance > _LIKELY]
    if not likely:
        return Card(title=title, state="good", finding=" ".join(parts))
    advice = (
        f"Train {'these' if len(likely) > 1 else 'this one'} to the end, or search with "
        f"--pruner none: trial{'s' if len(likely) > 1 else ''} {', '.join(likely[:6])}."
    )
    return Card(title=title, state="look", finding=" ".join(parts), advice=advice)


def chances_of_stopped(searched: Searched) -> dict[int, float]:
    """Return the chance of each stopped trial's configuration to be worth more than the winner."""
    if searched.fitted is None or searched.winner is None:
        return {}
    features = {one.number: one.features for one in searched.fitted.trials if len(one.scores)}
    pruned = {row.number for row in searched.trials if row.state == "pruned"}
    stopped = sorted(pruned & features.keys())
    if not stopped or searched.winner not in features:
        return {}
    with one_thread():
        at = np.stack([features[number] for number in stopped])
        chances = searched.fitted.model.chance_to_lead(at, features[searched.winner])
    return dict(zip(stopped, chances.tolist(), strict=True))


def _winner_at_rungs(searched: Searched) -> list[str]:
    places = [
        f"{one.winner_place} of {one.reached} at {one.iteration}"
        for one in rungs(searched)
        if one.winner_place is not None
    ]
    return [f"The winner itself was number {', '.join(places)}."] if places else []
