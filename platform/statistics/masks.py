"""What masks are worth: which of several checkpoints some of them choose, and what that costs.

The images that were scored stand for all images there are (the bootstrap): whoever opens n masks
opens those of n images that are drawn from them, with replacement, and chooses the checkpoint and
the threshold of the highest mIoU on these. What was chosen is judged on as many images as were
scored, drawn independently of the former, against what all images choose. That choice has seen
them all, and so looks a little better than it is; costs are rather too high than too low.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toco_core.scoring.image_counts import COARSE_STEPS, ImageCounts

ROUNDS = 200  # the ends of an interval are then known to about a twentieth of its length
Counts: TypeAlias = Iterable[tuple[int, ImageCounts]]  # of trials, by their numbers
Weights: TypeAlias = NDArray[np.float64]  # (S, N) how often each image is in each set


class Choice(NamedTuple):
    """A checkpoint and the background threshold that its CAMs are cut at."""

    trial: int
    threshold: float


@dataclass(frozen=True)
class Spread:
    """A number over all rounds: its mean, and the ends of its middle 95 %."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """Look at the values of all rounds, without those that are NaN."""
        low, high = np.nanquantile(values, [0.025, 0.975])
        return cls(float(np.nanmean(values)), float(low), float(high))


@dataclass(frozen=True, kw_only=True)
class MaskBudget:
    """What comes of a choice by so many masks; mIoU in 0..1.

    Attributes:
        chosen: the share of rounds in which each trial is chosen, the most frequent first.
        threshold: the median of the chosen background thresholds.
        miou: of what was chosen.
        cost: how much less that is than of the choice by all images.
        of_threshold: how much of the mean cost the threshold makes: what the chosen checkpoints
            have more at their own best thresholds.
    """

    masks: int
    chosen: Mapping[int, float]
    threshold: float
    miou: Spread
    cost: Spread
    of_threshold: float


@dataclass(frozen=True, kw_only=True)
class MaskStudy:
    """What different numbers of masks choose, and what all images choose."""

    best: Choice
    budgets: Sequence[MaskBudget]


def best_choice(curves: Mapping[int, NDArray[np.float64]]) -> list[Choice]:
    """Choose by each of some sets of images; of equals the first trial, the lowest threshold.

    Args:
        curves: (S, 101) mIoU of each trial on each set, at every threshold.
    """
    numbers = sorted(curves)
    stacked = np.stack([curves[number] for number in numbers], axis=1)  # (S, M, 101)
    flat = np.nan_to_num(stacked, nan=-1.0).reshape(len(stacked), -1)
    rows, places = np.divmod(flat.argmax(axis=1), COARSE_STEPS + 1)
    return [Choice(numbers[m], place / COARSE_STEPS) for m, place in zip(rows, places, strict=True)]


def worth_of_masks(
    counts: Counts,
    images: int,
    sizes: Iterable[int],
    without: Choice | None = None,
    rounds: int = ROUNDS,
) -> MaskStudy:
    """Say what is chosen by different numbers of masks; the same for the same counts.

    Args:
        counts: of each trial's checkpoint, on the same images; gone through once.
        images: as many as that.
        sizes: numbers of masks, from 1; more than there are images count as all of them.
        without: what is chosen without a mask, if anything is: the first of the answers.
        rounds: of drawing images.
    """
    rng = np.random.default_rng(0)
    judged = _drawn(rng, images, images, rounds)
    wanted = sorted({min(size, images) for size in sizes})
    draws = {size: _drawn(rng, images, size, rounds) for size in wanted}
    return judge_budgets(counts, draws, judged, without)


def judge_budgets(
    counts: Counts,
    draws: Mapping[int, Weights],
    judged: Weights,
    without: Choice | None = None,
) -> MaskStudy:
    """Choose by some sets of images, and judge each choice on another.

    Args:
        counts: of each trial's checkpoint, on the same N images.
        draws: by number of masks (R, N), how often each image is in each round's set.
        judged: (R, N) likewise, the sets that choices are judged on.
        without: what is chosen without a mask, if anything is.
    """
    whole: dict[int, NDArray[np.float64]] = {}
    later: dict[int, NDArray[np.float64]] = {}
    drawn: dict[int, dict[int, NDArray[np.float64]]] = {size: {} for size in draws}
    for number, one in counts:  # only curves are kept: counts take ten times as much
        whole[number], later[number] = one.curves(np.ones((1, one.images))), one.curves(judged)
        for size, weights in draws.items():
            drawn[size][number] = one.curves(weights)
    made = {size: best_choice(curves) for size, curves in drawn.items()}
    if without is not None:
        made = {0: [without] * len(judged), **made}
    best = best_choice(whole)[0]
    own = {number: best_choice({number: curve})[0] for number, curve in whole.items()}
    reference = _on(later, [best] * len(judged))
    budgets = [
        _budget(size, choices, reference, _on(later, choices), _on(later, _at_best(choices, own)))
        for size, choices in made.items()
    ]
    return MaskStudy(best=best, budgets=budgets)


def _at_best(choices: Sequence[Choice], own: Mapping[int, Choice]) -> list[Choice]:
    return [own[one.trial] for one in choices]


def _budget(
    masks: int,
    choices: Sequence[Choice],
    reference: NDArray[np.float64],
    miou: NDArray[np.float64],
    at_best: NDArray[np.float64],
) -> MaskBudget:
    counted = Counter(one.trial for one in choices)
    ordered = sorted(counted, key=lambda number: (-counted[number], number))
    return MaskBudget(
        masks=masks,
        chosen={number: counted[number] / len(choices) for number in ordered},
        threshold=float(np.median([one.threshold for one in choices])),
        miou=Spread.of(miou),
        cost=Spread.of(reference - miou),
        of_threshold=float(np.nanmean(at_best - miou)),
    )


def _on(
    curves: Mapping[int, NDArray[np.float64]], choices: Sequence[Choice]
) -> NDArray[np.float64]:
    """Return the mIoU of each round's choice on that round's set, (R,)."""
    values = [
        curves[one.trial][row, round(one.threshold * COARSE_STEPS)]
        for row, one in enumerate(choices)
    ]
    return np.array(values)


def _drawn(rng: np.random.Generator, images: int, size: int, rounds: int) -> Weights:
    """Draw so many images with replacement in each round: (R, N)."""
    return rng.multinomial(size, np.full(images, 1 / images), rounds).astype(float)
