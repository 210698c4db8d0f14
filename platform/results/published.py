"""The authors' own learning curves, to set a run of the same recipe beside them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from platform.results.formats import percent
from toco_core.settings import Recipe

_FILE = "published_curves.csv"  # facts, with their source in its first lines
_METHOD = "ToCo"
# Of our recipes: the dataset and the backbone by the names of the file.
_RUNS = {
    "voc_vit_b": ("voc", "vit_base_21k"),
    "voc_deit_b": ("voc", "deit_base"),
    "coco_vit_b": ("coco", "vit_base_21k"),
    "coco_deit_b": ("coco", "deit_base"),
}


class PublishedScore(NamedTuple):
    """CAM mIoU, 0..1, of the final classifier after so many iterations."""

    iteration: int
    score: float


def published_curve(recipe: Recipe) -> tuple[PublishedScore, ...]:
    """Return the authors' curve of a recipe of the package; empty where they published none.

    Theirs is of one run with one seed, on their validation images. It is given for runs of the
    length of theirs only: the rates of a shorter one fall faster.
    """
    curve = _curves().get(_RUNS.get(recipe.name, ("", "")), ())
    return curve if curve and curve[-1].iteration == recipe.iterations else ()


def beside_published(recipe: Recipe, scores: Mapping[int, float]) -> str:
    """Say how far a run is from the authors' at the iterations that both have; empty if nowhere.

    Args:
        recipe: of the run.
        scores: CAM mIoU of the final classifier, 0..1, by iteration.
    """
    shared = [one for one in published_curve(recipe) if one.iteration in scores]
    if not shared:
        return ""
    parts = [_apart(one, scores[one.iteration]) for one in shared]
    return (
        f"beside the authors' run of this recipe (one seed, their validation images): "
        f"{', '.join(parts)}"
    )


def _apart(published: PublishedScore, score: float) -> str:
    points = 100 * (score - published.score)
    side = "above" if points >= 0 else "below"
    return f"{abs(points):.1f} {side} {percent(published.score)} at {published.iteration:,}"


@cache
def _curves() -> Mapping[tuple[str, str], tuple[PublishedScore, ...]]:
    text = files("platform.results").joinpath(_FILE).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    curves: dict[tuple[str, str], list[PublishedScore]] = {}
    for row in csv.DictReader(lines):
        if row["method"] == _METHOD and row["map"] == "final":
            score = PublishedScore(int(row["iteration"]), float(row["cam_miou"]) / 100)
            curves.setdefault((row["dataset"], row["backbone"]), []).append(score)
    return {key: tuple(sorted(curve)) for key, curve in curves.items()}
