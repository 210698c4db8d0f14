"""Made-up counts of single images, of a few classes; the same masks for every trial."""

from __future__ import annotations

import numpy as np

from toco_core.scoring.image_counts import COARSE_BINS, ImageCounts
from toco_core.scoring.threshold_grid import HIT, MISS, ON_BACKGROUND

PIXELS = 900  # of an image


def made_counts(
    number: int, *, images: int = 40, classes: int = 2, skill: float = 0.5
) -> ImageCounts:
    """The counts of a trial; the higher its skill, the more of its pixels are right."""
    masks, rng = np.random.default_rng(0), np.random.default_rng(number + 1)
    labelled = masks.random((images, classes)) < 0.7
    share = np.pad(labelled, ((0, 0), (1, 0)), constant_values=True) * masks.random(
        (images, classes + 1)
    )
    truth = (PIXELS * share / share.sum(axis=1, keepdims=True)).astype(np.int64)
    outcomes = np.zeros((images, 3, classes, COARSE_BINS), np.int64)
    shown = max(classes, 1)
    for image, label in zip(*labelled.nonzero(), strict=True):
        here = outcomes[image, :, label]
        here[HIT] = _spread(rng, skill * truth[image, label + 1], 0.4 + 0.4 * skill)
        here[ON_BACKGROUND] = _spread(rng, truth[image, 0] / shown, 0.4 - 0.3 * skill)
        here[MISS] = _spread(rng, (1 - skill) * truth[image, label + 1] / shown, 0.3)
    return ImageCounts.of(outcomes, truth, labelled)


def _spread(rng: np.random.Generator, pixels: float, centre: float) -> np.ndarray:
    """Give so many pixels values around a centre: (102,)."""
    values = np.clip(rng.normal(centre, 0.2, int(pixels)), 0, 1)
    return np.bincount(np.ceil(100 * values).astype(int), minlength=COARSE_BINS)
