"""What the masks of `tune` were worth to a search: what fewer of them, or none, would have chosen.

Read off what the last scores counted, image by image; nothing is trained, and no image is opened.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from platform.report.figures.drawing import Cell, Numbers
from platform.report.searched import Searched
from platform.results.counts import read_counts
from platform.results.events import CAM_MIOU
from platform.search.setup import REPORT_SPLIT, TUNE_SPLIT
from platform.statistics.masks import Choice, MaskBudget, worth_of_masks
from toco_core.scoring.image_counts import COARSE_STEPS, ImageCounts

TABLE_SIZES = 20, 100  # beside none and all
_FIGURE_SIZES = 5, 20, 50, 100, 500
_ROUNDING = 1e-9  # of the same quotients of integers, added up in another order


@dataclass(frozen=True, kw_only=True)
class MaskWorth:
    """What masks were worth.

    Attributes:
        images: whose counts are known.
        candidates: the trials among which is chosen, all of them complete.
        best: what all images choose.
        budgets: what fewer choose, none first, if the search knows what it can without masks.
        left_out: why complete trials are no candidates.
        report: CAM mIoU on the split `report` of the trials that were scored there.
        confirmed: the same of fresh trainings of them, mean over seeds.
    """

    images: int
    candidates: Sequence[int]
    best: Choice
    budgets: Sequence[MaskBudget]
    left_out: Sequence[str]
    report: Mapping[int, float]
    confirmed: Mapping[int, float]


def mask_worth(searched: Searched) -> MaskWorth | None:
    """Choose again by fewer masks; None where less than two trials have counts to choose by."""
    candidates, images, left_out = _usable(searched)
    if len(candidates) < 2:
        return None
    counts = ((number, _counts(searched, number)) for number in candidates)
    sizes = [*(size for size in _FIGURE_SIZES if size < images), images]
    study = worth_of_masks(counts, images, sizes, _without_masks(searched, candidates))
    return MaskWorth(
        images=images,
        candidates=candidates,
        best=study.best,
        budgets=study.budgets,
        left_out=left_out,
        report={n: s.miou for n, s in searched.report.items() if s.miou is not None},
        confirmed=_confirmed(searched),
    )


def masks_worth_table(worth: MaskWorth) -> Numbers:
    """Return what none, few and all masks choose, and at what cost; mIoU in 0..1."""
    shown = [one for one in worth.budgets if one.masks in (0, *TABLE_SIZES, worth.images)]
    columns = (
        "masks",
        "chosen most often",
        "in so many draws",
        "threshold",
        f"CAM mIoU on {TUNE_SPLIT}",
        "cost",
        "cost from",
        "cost to",
        "of it by the threshold",
        f"CAM mIoU on {REPORT_SPLIT}",
        f"{REPORT_SPLIT}, fresh seeds",
    )
    return Numbers(columns=columns, rows=[_row(worth, one) for one in shown], digits=3)


def _row(worth: MaskWorth, one: MaskBudget) -> tuple[Cell, ...]:
    number, share = next(iter(one.chosen.items()))
    return (
        one.masks,
        f"trial {number}",
        share,
        one.threshold,
        one.miou.mean,
        one.cost.mean,
        one.cost.low,
        one.cost.high,
        one.of_threshold,
        worth.report.get(number),
        worth.confirmed.get(number),
    )


class _Usable(NamedTuple):
    numbers: Sequence[int]
    images: int
    left_out: list[str]


def _usable(searched: Searched) -> _Usable:
    """Find the complete trials whose counts can be compared, and say what keeps others out.

    Each file is read and let go: all of them together may take more memory than there is.
    """
    found: dict[int, bytes] = {}
    images: dict[bytes, int] = {}
    left_out: list[str] = []
    for number in sorted(searched.judgement.worth):
        try:
            counts = _counts(searched, number)
        except ValueError as error:
            left_out.append(f"trial {number}: {error}")
        else:
            found[number] = _digest(counts)
            images[found[number]] = counts.images
    most = max(Counter(found.values()).items(), key=lambda item: item[1], default=(b"", 0))[0]
    others = [number for number, digest in found.items() if digest != most]
    left_out += [f"trial {n}: was scored on other images or masks than most" for n in others]
    return _Usable([n for n in found if n not in others], images.get(most, 0), left_out)


def _counts(searched: Searched, number: int) -> ImageCounts:
    """Read the counts of a trial, and compare them with the score that the tables have of it."""
    counts = read_counts(searched.directory, number)
    if counts is None:
        raise ValueError("has no counts by image; earlier versions kept none")
    rows = searched.scores.get(number)
    whole = counts.curves(np.ones((1, counts.images)))[0]
    if rows and rows[-1]["mask_reads"] == counts.images:  # else the score is of more images
        curve = np.array(rows[-1]["curve"])
        if curve.shape != whole.shape or not np.allclose(curve, whole, 0, _ROUNDING, True):
            raise ValueError("its counts by image are not those of its last score")
    return counts


def _digest(counts: ImageCounts) -> bytes:
    """Hash what the masks of the images show, which is the same for every trial."""
    parts = (counts.image, counts.label, counts.truth)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).digest()


def _without_masks(searched: Searched, candidates: Sequence[int]) -> Choice | None:
    """Choose by what a score knows without a mask, at the recipe's own background threshold."""
    values = {
        number: searched.scores[number][-1]["unsupervised"]
        for number in candidates
        if searched.scores.get(number)
    }
    known = {number: value for number, value in values.items() if not math.isnan(value)}
    if not known:
        return None
    number = max(known, key=lambda one: (known[one], -one))
    bkg = searched.recipe.thresholds.bkg
    return Choice(number, round(bkg * COARSE_STEPS) / COARSE_STEPS)


def _confirmed(searched: Searched) -> Mapping[int, float]:
    """Return the mean score of each configuration that was confirmed, by its trial."""
    found = searched.confirmation
    if found is None or found.objective != CAM_MIOU:
        return {}
    return {one.trial: one.mean for one in found.configurations if one.mean is not None}


def in_words(worth: MaskWorth, searched: Searched) -> list[str]:
    """Say in sentences what masks were worth, and what that rests on."""
    best, budgets = worth.best, worth.budgets
    lines = [
        f"Among {len(worth.candidates)} complete trials all {worth.images} masks choose trial "
        f"{best.trial} at the threshold {best.threshold:.2f} by their last scores."
    ]
    none = next((one for one in budgets if one.masks == 0), None)
    if none is not None:
        lines[0] += (
            f" Without a mask it would have been trial {next(iter(none.chosen))}, the highest by "
            f"the unsupervised objective, at the recipe's threshold {none.threshold:.2f}: "
            f"{_points(none)}."
        )
    few = [one for one in budgets if one.masks in TABLE_SIZES and one.masks < worth.images]
    if few:
        costs = "; ".join(f"{one.masks} masks {_points(one)}" for one in few)
        lines.append(f"A choice by few masks would have cost: {costs}.")
    if searched.winner not in (None, best.trial):
        judges = "it judges by the scores of all trials, not by the last one of each"
        why = "which was picked off the front" if searched.is_picked else judges
        lines.append(f"The search itself names trial {searched.winner}: {why}.")
    lines.append(
        f"What was proposed and stopped had seen all masks of {TUNE_SPLIT}: only the last choice "
        f"is made again here. On {REPORT_SPLIT} winner and recipe alone are scored, once, at the "
        "threshold that all masks chose; other cells are empty because nobody knows."
    )
    if worth.left_out:
        lines.append(f"Left out: {'; '.join(worth.left_out)}.")
    return lines


def _points(one: MaskBudget) -> str:
    numbers = (one.cost.mean, one.cost.low, one.cost.high)
    mean, low, high = (f"{round(100 * number, 1) + 0.0:.1f}" for number in numbers)  # no -0.0
    return f"{mean} points less ({low} to {high})"
