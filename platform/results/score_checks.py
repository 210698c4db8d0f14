"""What a score says of its training beyond its size: likely causes, and what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NOTHING_LEARNT = 0.05  # F1
_EDGE = 0.02  # of the background threshold
_NEVER = 0.01  # IoU of a class that is not found
_AUX_AHEAD = 0.03  # auxiliary CAM above the final one


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """Something about a score that is seldom meant.

    Attributes:
        sign: what is seen.
        cause: what it likely comes from.
        remedy: what to try.
    """

    sign: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sign}: {self.cause}; {self.remedy}"


def suspicions(score: Mapping[str, Any], class_names: Sequence[str] = ()) -> list[Suspicion]:
    """Look at a score.

    Args:
        score: the fields of `Scored` by name, as a row of `curves.parquet` has them.
        class_names: C + 1 names, background first.
    """
    found = [_nothing_learnt(score), _background_alone(score), _threshold(score)]
    found += [_auxiliary(score), _never_learnt(score, class_names)]
    return [one for one in found if one]


def _nothing_learnt(score: Mapping[str, Any]) -> Suspicion | None:
    if score["f1"] > _NOTHING_LEARNT:
        return None
    return Suspicion(
        sign=f"F1 of the image labels is {100 * score['f1']:.1f}",
        cause="nothing was learnt, as with a rate that destroys the pretrained features or weights "
        "that do not fit",
        remedy="try a tenth of optimiser.lr, check the weights, or train longer",
    )


def _background_alone(score: Mapping[str, Any]) -> Suspicion | None:
    foreground = _known(score["class_iou"][1:])
    if not foreground or max(foreground) > _NEVER:
        return None
    return Suspicion(
        sign="the CAM is background alone",
        cause="its activations are below every useful threshold, since the classes are not learnt",
        remedy="look at F1 and at the pictures first; then lower thresholds.low, or train longer",
    )


def _threshold(score: Mapping[str, Any]) -> Suspicion | None:
    if math.isnan(score["bkg"]) or _EDGE < score["bkg"] < 1 - _EDGE:  # NaN: no mask was opened
        return None
    return Suspicion(
        sign=f"the best background threshold is {score['bkg']:.2f}, at the end of its range",
        cause="the CAM does not tell objects from background",
        remedy="do not take this threshold over; look at the pictures",
    )


def _auxiliary(score: Mapping[str, Any]) -> Suspicion | None:
    ahead = score["aux_score"] - score["score"]
    if not ahead > _AUX_AHEAD:
        return None
    return Suspicion(
        sign=f"the auxiliary CAM is {100 * ahead:.1f} points above the final one",
        cause="the last blocks smooth the tokens more than they add",
        remedy="try a larger weights.ptc, or take the auxiliary CAM",
    )


def _never_learnt(score: Mapping[str, Any], class_names: Sequence[str]) -> Suspicion | None:
    values = score["class_iou"]
    foreground = _known(values[1:])
    if not foreground or max(foreground) <= _NEVER:  # said of all of them
        return None
    names = class_names if len(class_names) == len(values) else [*map(str, range(len(values)))]
    never = [n for n, v in zip(names, values, strict=True) if not math.isnan(v) and v <= _NEVER]
    if not never:
        return None
    return Suspicion(
        sign=f"{len(never)} classes are never found ({', '.join(never[:5])})",
        cause="they are rare, or stand in images with a class that explains their label",
        remedy="count their images in the dataset, and train longer",
    )


def _known(values: Sequence[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]
