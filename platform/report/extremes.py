"""Which images recipe and winner see most differently, and which the winner sees worst.

Read off what the last scores counted, image by image; no image is opened for the choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platform.report.searched import Searched
from platform.results.counts import read_counts
from toco_core.scoring.image_counts import COARSE_STEPS, ImageCounts

OF_EACH_KIND = 2  # by ViT-B, one of VOC takes a CPU thread some 18 s, for recipe and winner each
_AT_ONCE = 200  # images: of 2,000 all curves at once take gigabytes
BETTER, POORER = "where the winner gains most on the recipe", "where it loses most to it"
WORST, BEST = "where the {} is worst", "where it is best"


@dataclass(frozen=True, kw_only=True)
class Extreme:
    """An image to look at.

    Attributes:
        index: of the image in the split.
        why: it was chosen.
        miou: mean IoU over the classes of this image, 0..1, by recipe and winner.
        truth: (C + 1,) pixels of each label that were counted.
    """

    index: int
    why: str
    miou: Mapping[str, float]
    truth: NDArray[np.int64]


def extremes(searched: Searched) -> list[Extreme]:
    """Choose images; none where the last scores of recipe or winner left no counts of them.

    Raises:
        ValueError: a file of counts is damaged; names it.
    """
    counts: dict[str, ImageCounts] = {}
    for name, number in searched.contenders().items():
        found = read_counts(searched.directory, number)
        if found is None or not searched.scores.get(number):
            return []
        counts[name] = found
    if not counts or len({one.images for one in counts.values()}) > 1:
        return []
    values = {
        name: _by_image(one, searched.scores[searched.contenders()[name]][-1]["bkg"])
        for name, one in counts.items()
    }
    truth = _truth(next(iter(counts.values())))
    return [
        Extreme(
            index=index,
            why=why,
            miou={name: float(one[index]) for name, one in values.items()},
            truth=truth[index],
        )
        for index, why in _chosen(values).items()
    ]


def _chosen(values: Mapping[str, NDArray[np.float64]]) -> dict[int, str]:
    """Return images and why they were chosen; each once, by the first reason."""
    last = [*values][-1]
    best_first = np.argsort(-np.nan_to_num(values[last], nan=-1.0), kind="stable").tolist()
    shown = {int(i) for i in np.flatnonzero(~np.isnan(values[last]))}
    lists: list[tuple[str, Iterable[int]]] = []
    if len(values) > 1:
        gain = values["winner"] - values["recipe"]
        order = np.argsort(-np.nan_to_num(gain), kind="stable").tolist()
        lists += [(BETTER, (i for i in order if gain[i] > 0))]
        lists += [(POORER, (i for i in reversed(order) if gain[i] < 0))]
    lists += [(WORST.format(last), reversed(best_first)), (BEST, best_first)]
    chosen: dict[int, str] = {}
    for why, candidates in lists:
        for index in _first(candidates, shown - chosen.keys()):
            chosen[index] = why
    return chosen


def _first(candidates: Iterable[int], allowed: set[int]) -> Sequence[int]:
    return [index for index in candidates if index in allowed][:OF_EACH_KIND]


def _by_image(counts: ImageCounts, bkg: float) -> NDArray[np.float64]:
    """Return the mIoU of each image at a threshold, (N,); NaN where its mask shows nothing."""
    column, values = round(bkg * COARSE_STEPS), []
    for start in range(0, counts.images, _AT_ONCE):
        some = np.eye(min(_AT_ONCE, counts.images - start), counts.images, start)
        values.append(counts.curves(some)[:, column])
    return np.concatenate(values)


def _truth(counts: ImageCounts) -> NDArray[np.int64]:
    """Return the pixels of each label in each image, (N, C + 1)."""
    truth = np.zeros((counts.images, counts.classes + 1), np.int64)
    truth[counts.image, counts.label] = counts.truth
    return truth
