"""Fills in the protocol card of a score, from what it was measured with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from platform.protocol.card import ProtocolCard, Threshold, not_known
from platform.protocol.code_version import code_version
from toco_core.data.identity import dataset_hash
from toco_core.data.ledger import MaskLedger
from toco_core.data.reader import open_dataset
from toco_core.file_hash import file_hash
from toco_core.scoring.cam_score import Score
from toco_core.scoring.segmentation_score import SegmentationScore, Variant
from toco_core.settings import Backbone, Recipe

HAUSDORFF = (
    "95 %, the larger of both ways, px of the mask; mean over the images that show the class, the "
    "diagonal where it was not found"
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A network and the images that it was scored on.

    Attributes:
        checkpoint: the file.
        iteration: None for an official checkpoint, which holds no more than weights.
        dataset: path or URI.
        trained_on: labels of a second stage, in words.
    """

    checkpoint: Path
    recipe: Recipe
    iteration: int | None
    dataset: str
    split: str
    masks: MaskLedger
    trained_on: str | None = None

    @cached_property
    def common(self) -> dict[str, Any]:
        """The lines of the card that do not depend on what is scored; hashes take seconds."""
        dataset, recipe = open_dataset(self.dataset), self.recipe
        info = dataset.info
        unsaid = not_known("the file of the authors does not say")
        return {
            "dataset": info.source,
            "dataset_hash": dataset_hash(dataset),
            "split": self.split,
            "images_in_split": info.splits[self.split].images,
            "masks_opened": masks_line(self.masks),
            "ignored": f"pixels of {info.ignore_index}; of the mean, classes that no mask shows",
            "recipe": recipe.name,
            "iteration": unsaid if self.iteration is None else _iteration(self.iteration, recipe),
            "seed": unsaid if self.iteration is None else recipe.seed,
            "trained_on": self.trained_on,
            "backbone": recipe.backbone.name,
            "weights": recipe.backbone.weights,
            "weights_hash": _weights_hash(recipe.backbone),
            "checkpoint_hash": file_hash(self.checkpoint),
            "code": code_version(),
        }


def masks_line(masks: MaskLedger, purpose: str | None = None) -> dict[str, int]:
    """Return the line on the masks that were opened, for one purpose or for all."""
    return {
        f"{use.split}, {use.purpose}:": count
        for use, count in masks.counts.items()
        if purpose in (None, use.purpose)
    }


def cam_card(
    measured: Measured, score: Score, threshold: Threshold, aux_threshold: Threshold
) -> ProtocolCard:
    """Return the card of a score of CAMs."""
    side = measured.recipe.data.crop_size
    return ProtocolCard(
        measured="CAM mIoU",
        input_size=f"resized to {side} x {side} px, CAMs to the size of the mask",
        hausdorff=HAUSDORFF if score.distances else None,
        threshold=threshold,
        aux_threshold=aux_threshold,
        **_of_cams(measured, score),
    )


def label_card(measured: Measured, score: Score, what: str) -> ProtocolCard:
    """Return the card of a score that opened no mask; `what` says which number it is."""
    side = measured.recipe.data.crop_size
    lines = _of_cams(measured, score)
    lines["ignored"] = "nothing: no mask was opened"
    return ProtocolCard(measured=what, input_size=f"resized to {side} x {side} px", **lines)


def _of_cams(measured: Measured, score: Score) -> dict[str, Any]:
    return {
        "images": score.images,
        "image_labels_at_test": "the classes of each image: only their CAMs compete",
        "scales": list(measured.recipe.cam.scales),
        "computed_on": list(score.computed_on),
        **measured.common,
    }


def segmentation_card(
    measured: Measured, score: SegmentationScore, variant: Variant, scales: tuple[float, ...]
) -> ProtocolCard:
    """Return the card of a score of the segmentation head."""
    from toco_core.crf import DenseCRF  # torch

    single = variant == "single"
    return ProtocolCard(
        measured=f"segmentation mIoU, {variant}",
        images=score.images,
        image_labels_at_test="none",
        input_size="each image at its own size",
        scales=[1.0] if single or not scales else list(scales),
        mirror=not single,
        crf=asdict(DenseCRF()) if variant == "crf" else None,
        hausdorff=HAUSDORFF if score.distances else None,
        computed_on=list(score.computed_on),
        **measured.common,
    )


def _iteration(done: int, recipe: Recipe) -> str:
    whole = recipe.iterations
    return f"the last, {done}" if done == whole else f"{done} of {whole}"


def _weights_hash(backbone: Backbone) -> str | None:
    """Return the SHA-256 of the file that the backbone began with; None where there was none."""
    match backbone.weights:
        case "random":
            return None
        case "timm":
            return not_known("timm downloads them, under the backbone's name")
        case "embedded":
            from toco_core.model.backbone_weights import embedded_weights  # torch

            return file_hash(embedded_weights(backbone.name))
        case path:
            gone = not_known("the file is no longer there")
            return file_hash(path) if Path(path).is_file() else gone
