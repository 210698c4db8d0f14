"""What masks are worth: the literal choice among checkpoints, image by image."""

from __future__ import annotations

import numpy as np
import pytest

from platform.statistics.masks import Choice, best_choice, judge_budgets, worth_of_masks
from tests.results.made_counts import made_counts
from toco_core.scoring.image_counts import ImageCounts
from toco_core.scoring.threshold_grid import HIT, ON_BACKGROUND

IMAGES = 6
SKILLS = {0: 0.5, 3: 0.52, 4: 0.2}
COUNTS = {n: made_counts(n, images=IMAGES, skill=skill) for n, skill in SKILLS.items()}


def literal_miou(counts: ImageCounts, images: list[int], place: int) -> float:
    """Add up the pixels of a list of images, class by class, at one threshold."""
    ious: list[float] = []
    rows = [row for one in images for row in np.flatnonzero(counts.image == one)]
    total = sum(int(counts.truth[row]) for row in rows)
    above = {row: counts.outcomes[row, :, place + 1 :].sum(axis=1) for row in rows}
    for label in range(counts.classes + 1):
        truth = sum(int(counts.truth[row]) for row in rows if counts.label[row] == label)
        if label:
            predicted = sum(int(above[row].sum()) for row in rows if counts.label[row] == label)
            right = sum(int(above[row][HIT]) for row in rows if counts.label[row] == label)
        else:
            predicted = total - sum(int(above[row].sum()) for row in rows)
            right = truth - sum(int(above[row][ON_BACKGROUND]) for row in rows)
        if truth:
            ious.append(right / (truth + predicted - right))
    return sum(ious) / len(ious)


def literal_choice(images: list[int]) -> Choice:
    every = [(number, place) for number in sorted(COUNTS) for place in range(101)]
    number, place = max(every, key=lambda one: literal_miou(COUNTS[one[0]], images, one[1]))
    return Choice(number, place / 100)


def listed(weights: np.ndarray) -> list[int]:
    return [image for image, count in enumerate(weights) for _ in range(int(count))]


def test_budgets_are_the_literal_choices_and_costs() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.multinomial(2, [1 / IMAGES] * IMAGES, 8).astype(float)
    judged = rng.multinomial(IMAGES, [1 / IMAGES] * IMAGES, 8).astype(float)
    study = judge_budgets(COUNTS.items(), {2: drawn}, judged)
    (found,), best = study.budgets, literal_choice([*range(IMAGES)])
    assert study.best == best
    choices = [literal_choice(listed(row)) for row in drawn]
    costs = [
        literal_miou(COUNTS[best.trial], listed(row), round(100 * best.threshold))
        - literal_miou(COUNTS[one.trial], listed(row), round(100 * one.threshold))
        for one, row in zip(choices, judged, strict=True)
    ]
    assert found.cost.mean == pytest.approx(np.mean(costs), abs=1e-12)
    assert found.cost.low == pytest.approx(np.quantile(costs, 0.025), abs=1e-12)
    assert found.threshold == np.median([one.threshold for one in choices])
    for number, share in found.chosen.items():
        assert share == np.mean([one.trial == number for one in choices])


def test_of_equals_the_first_trial_and_the_lowest_threshold_are_chosen() -> None:
    flat = np.full((1, 101), 0.5)
    assert best_choice({7: flat, 2: flat}) == [Choice(2, 0.0)]
    assert best_choice({7: flat, 2: np.full((1, 101), np.nan)}) == [Choice(7, 0.0)]


def test_the_threshold_alone_has_its_share_of_the_cost() -> None:
    best = literal_choice([*range(IMAGES)])
    blind = Choice(best.trial, 0.99)
    (none, _) = worth_of_masks(COUNTS.items(), IMAGES, [IMAGES], blind, rounds=50).budgets
    assert none.masks == 0
    assert none.chosen == {best.trial: 1.0}
    assert none.cost.mean > 0.05
    assert none.of_threshold == pytest.approx(none.cost.mean)


def test_more_masks_cost_less_and_the_draws_are_the_same_each_time() -> None:
    counts = {n: made_counts(n, skill=0.5 + 0.02 * n) for n in range(6)}
    budgets = worth_of_masks(counts.items(), 40, [2, 10, 1000], Choice(0, 0.5)).budgets
    assert [one.masks for one in budgets] == [0, 2, 10, 40]
    costs = [one.cost.mean for one in budgets]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.01 < costs[0]
    again = worth_of_masks(counts.items(), 40, [2, 10, 1000], Choice(0, 0.5))
    assert budgets == again.budgets
