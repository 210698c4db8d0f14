"""The CAMs of chosen images by recipe and winner, computed from the checkpoints they have left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from platform.datasets import resolve_dataset
from platform.report.extremes import Extreme, extremes
from platform.report.pictures import Pair, data_uri
from platform.report.searched import Searched
from platform.results.formats import percent
from platform.search.setup import TUNE_SPLIT
from platform.search.trial_protocol import trial_directory
from platform.train.run_checkpoints import list_checkpoints
from toco_core.data.reader import ParquetSplit, open_dataset

if TYPE_CHECKING:
    from torch import Tensor

PURPOSE = "pictures of the report"


@dataclass(frozen=True, kw_only=True)
class Overlays:
    """Pictures of chosen images by why they were chosen; or why there are none."""

    groups: Mapping[str, Sequence[Pair]]
    masks_opened: int = 0
    missing: str = ""


def draw_overlays(searched: Searched) -> Overlays:
    """Draw the images that recipe and winner see most differently, and the winner's worst and best.

    It takes a few passes of the network on the CPU, so it is done when the search is over.
    """
    if not searched.is_over:
        return Overlays(groups={})
    try:
        chosen = extremes(searched)
        return _draw(searched, chosen) if chosen else Overlays(groups={})
    except (ValueError, OSError, FloatingPointError) as error:  # the page is worth having without
        return Overlays(groups={}, missing=str(error).splitlines()[0])


def _draw(searched: Searched, chosen: Sequence[Extreme]) -> Overlays:
    files = {name: _checkpoint(searched, n) for name, n in searched.contenders().items()}
    dataset = open_dataset(resolve_dataset(searched.recipe.data.source))
    split = dataset.split(TUNE_SPLIT)
    masks = list(split.masks([one.index for one in chosen], purpose=PURPOSE))
    _require_same(masks, chosen, split.info.ignore_index)
    views = {name: list(_views(file, split, chosen, masks)) for name, file in files.items()}
    names = [split.row(one.index).name for one in chosen]
    groups: dict[str, list[Pair]] = {}
    for place, one in enumerate(chosen):
        shown = [
            (f"{name}, mIoU {percent(one.miou[name])}", views[name][place]) for name in one.miou
        ]
        groups.setdefault(one.why, []).append(Pair(name=names[place], views=shown))
    return Overlays(groups=groups, masks_opened=dataset.ledger.total())


def _checkpoint(searched: Searched, number: int) -> Path:
    directory = trial_directory(searched.directory / "trials", number)
    found = list_checkpoints(directory)
    if not found:
        raise ValueError(f"the checkpoint of trial {number} is not in {directory}")
    return found[-1]


def _require_same(masks: Sequence[Tensor], chosen: Sequence[Extreme], ignore_index: int) -> None:
    for one, mask in zip(chosen, masks, strict=True):
        labels = mask.numpy()
        counted = np.bincount(labels[labels != ignore_index], minlength=len(one.truth))
        if not np.array_equal(counted, one.truth):
            raise ValueError(f"the masks of {TUNE_SPLIT} are no longer those that were scored")


def _views(
    file: Path, split: ParquetSplit, chosen: Sequence[Extreme], masks: Sequence[Tensor]
) -> Iterator[str]:
    """Yield image, CAM and truth of each image as a data URI."""
    from platform.workers.pictures import draw_cam  # torch
    from toco_core.cam.image_cam import all_classes, whole_image_cams
    from toco_core.data.loader import whole_image
    from toco_core.scoring.kept_images import ScoredImage
    from toco_core.trained_network import load_trained

    network = load_trained(file, split.info.num_classes)
    for one, mask in zip(chosen, masks, strict=True):
        image = whole_image(split, one.index)
        cams = whole_image_cams(network.model, network.recipe, image.pixels, image.class_labels)
        cam = all_classes(cams.final, cams.classes, split.info.num_classes)
        yield data_uri(draw_cam(ScoredImage(image.pixels / 255, cam, mask), split.info))
