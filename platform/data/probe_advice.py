"""What a probe suggests: remarks on what is suspicious, and a recipe to start from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides

FEW_IMAGES = 20  # of a class
LEAST_GAIN = 2.0  # of the average precision over chance, below which features know nothing
ALIKE = 0.9  # cosine of patch tokens from which a CAM can hardly tell places apart
LARGE = 2.0  # a scaled image over its crop, where crops show little; by our recipes VOC's are 1.1
COMMON = 0.5  # share of the tokens' squared length that is common to all
FROZEN = 0.1  # of the iterations, where it is more: until the segmentation loss begins
SLOWER, FASTER = 0.05, 2.5  # encoder and heads where it is more: 500 apart, where the paper has 10
VOC_IMAGES, VOC_ITERATIONS, VOC_STEP = 10_582, 20_000, 4
VOC_EPOCHS = VOC_ITERATIONS * VOC_STEP / VOC_IMAGES
LEAST_ITERATIONS = 2000


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a probe found.

    Attributes:
        images: of train in all.
        side: the median of the probed images' longer sides, px.
        size: side of the square that they were resized to, and of the crop to train with, px.
        per_class: how many of the probed images show each class.
        class_names: the classes.
        token_ap: mean average precision of the class tokens of each block, 0..1.
        patch_ap: that of the largest patch tokens.
        similarity: mean cosine of patch tokens of each block.
        common: share of the last patch tokens' squared length that all of them have in common.
        chance: mean average precision of guessing: the mean frequency of the classes.
    """

    images: int
    side: int
    size: int
    per_class: Sequence[int]
    class_names: Sequence[str]
    token_ap: Sequence[float]
    patch_ap: Sequence[float]
    similarity: Sequence[float]
    common: float
    chance: float


def remarks(found: Probed, recipe: Recipe) -> Iterator[str]:
    """Yield, a line each, what is suspicious and what to do about it.

    Args:
        found: what was found.
        recipe: that suggestions start from.
    """
    few = [n for n, c in zip(found.class_names, found.per_class, strict=True) if c < FEW_IMAGES]
    if few:
        yield f"classes with fewer than {FEW_IMAGES} of these images: {', '.join(few)}"
    best = max(*found.token_ap, *found.patch_ap)
    if best < LEAST_GAIN * found.chance:
        yield (
            f"no block knows the classes: average precision {best:.2f} where guessing gives "
            f"{found.chance:.2f}; are these the right weights, and do the labels fit the images?"
        )
    elif found.patch_ap[-1] < max(found.patch_ap) - 0.1:
        block = found.patch_ap.index(max(found.patch_ap)) + 1
        yield f"the last block's patch tokens know less of the classes than those of block {block}"
    if found.similarity[-1] > ALIKE:
        yield (
            f"the last block's patch tokens are all alike (cosine {found.similarity[-1]:.2f}): "
            "expect CAMs of whole images at first; patch-token contrast works against it"
        )
    if found.common > COMMON:
        yield (
            f"{found.common:.0%} of what a patch token is, all of them have in common: at the "
            "paper's rates the encoder may unlearn what it knows before the classifiers find it; "
            "the suggested recipe freezes it at first, and has a lower rate for it"
        )
    if (smaller := _scale_range(recipe, found)) is not None:
        least, most = (found.size / (factor * found.side) for factor in recipe.data.scale_range)
        text = f"[{smaller[0]:g},{smaller[1]:g}]"
        yield (
            f"images of {found.side:,} px: by the recipe's data.scale_range a crop of {found.size} "
            f"px is {most:.0%} to {least:.0%} of their width, and rarely shows what they are "
            f"labelled with; the suggested recipe has {text}; to any other, add "
            f"--set 'data.scale_range={text}'"
        )


def _scale_range(recipe: Recipe, found: Probed) -> tuple[float, float] | None:
    """Return factors, as far apart as the recipe's, by which images are about as large as the crop.

    None where they are not much larger by the recipe's own.
    """
    least, most = recipe.data.scale_range
    scaled = math.sqrt(least * most) * found.side  # px, half way between the two
    if scaled <= LARGE * found.size:
        return None
    least, most = (float(f"{factor * found.size / scaled:.2g}") for factor in (least, most))
    return least, most


def changed_settings(before: Recipe, after: Recipe) -> list[tuple[str, str, str]]:
    """Return the settings in which two recipes differ: key, value before, value after."""
    pairs = zip(_flat(before.model_dump()), _flat(after.model_dump()), strict=True)
    return [(key, str(old), str(new)) for (key, old), (_, new) in pairs if old != new]


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def suggested_recipe(recipe: Recipe, found: Probed, *, name: str, source: str) -> Recipe:
    """Return a recipe to start from: as many epochs as VOC's, in the proportions of the recipe.

    It has `LEAST_ITERATIONS`, though: of few images, an epoch has too few steps to learn in.

    Args:
        recipe: with the backbone that was probed.
        found: what was found.
        name: of the recipe.
        source: of the data.
    """
    step = recipe.data.images_per_step
    iterations = max(round(VOC_EPOCHS * found.images / step, -2), LEAST_ITERATIONS)
    longer = iterations / recipe.iterations
    changes: dict[str, Any] = {
        "name": name,
        "data.source": source,
        "data.crop_size": found.size,
        "data.scale_range": _scale_range(recipe, found) or recipe.data.scale_range,
        "iterations": int(iterations),
        "optimiser.warmup": round(recipe.optimiser.warmup * longer),
        "stages.contrast": round(recipe.stages.contrast * longer),
        "stages.segmentation": round(recipe.stages.segmentation * longer),
        "backbone.aux_layer": -max(int(len(found.token_ap) / 4 + 0.5), 1),
        "ctc.local_size": min(recipe.ctc.local_size, found.size),
    }
    if found.common > COMMON:
        changes["optimiser.freeze"] = int(FROZEN * iterations)
        changes["optimiser.lr"] = SLOWER * recipe.optimiser.lr
        changes["optimiser.head_lr_factor"] = FASTER / SLOWER * recipe.optimiser.head_lr_factor
    return apply_overrides(recipe, changes)
