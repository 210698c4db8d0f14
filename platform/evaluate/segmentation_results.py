"""What an evaluation says of the segmentation head."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform.evaluate.numbers import (
    boundary_content,
    distance_content,
    number,
    overlap_content,
)
from platform.evaluate.setup import EvaluationSetup
from platform.results.formats import percent
from platform.results.text_tables import TextTable
from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.segmentation_score import Method, SegmentationScore, Variant

HEADINGS: dict[Variant, str] = {"single": "seg", "multi": "seg multi", "crf": "seg CRF"}


def segmentation_table(setup: EvaluationSetup, score: SegmentationScore) -> TextTable:
    """Return mIoU and accuracies of each way to segment."""
    assert setup.segmentation is not None
    method = setup.segmentation.method
    return TextTable(
        title=f"Segmentation on {score.images} images of {setup.split}, %",
        columns=("inference", "mIoU", "pixel accuracy", "mean accuracy"),
        rows=[
            [
                variant_text(variant, method),
                percent(counts.miou),
                percent(counts.pixel_accuracy),
                percent(counts.mean_accuracy),
            ]
            for variant, counts in score.counts.items()
        ],
    )


def variant_text(variant: Variant, method: Method) -> str:
    """Format how an image was segmented."""
    scales = ", ".join(f"{scale:g}" for scale in method.scales)
    several = f"scales {scales} + mirror" if method.scales else "single scale"
    match variant:
        case "single":
            return "single scale"
        case "multi":
            return several
        case "crf":
            return f"{several} + CRF"


def class_pixels(score: SegmentationScore) -> dict[str, ClassPixels]:
    """Return the pixels of each class, for each way to segment."""
    return {HEADINGS[variant]: counts.pixels for variant, counts in score.counts.items()}


def class_rims(score: SegmentationScore) -> dict[str, ClassPixels]:
    """Return the rims of each class, likewise; nothing if they were not counted."""
    return {HEADINGS[variant]: rims for variant, rims in score.boundary.items()}


def class_distances(score: SegmentationScore) -> dict[str, NDArray[np.float64]]:
    """Return the distances of edges, (N, K) px; nothing if they were not measured."""
    return {HEADINGS[variant]: distances for variant, distances in score.distances.items()}


def segmentation_content(setup: EvaluationSetup, score: SegmentationScore) -> dict[str, Any]:
    """Return what the JSON file says of the segmentation."""
    assert setup.segmentation is not None
    return {
        "scales": list(setup.segmentation.method.scales),
        **{
            variant: {
                "miou": number(counts.miou),
                "pixel_accuracy": number(counts.pixel_accuracy),
                "mean_accuracy": number(counts.mean_accuracy),
                **overlap_content(setup.class_names, counts.pixels),
                **boundary_content(setup.class_names, score.boundary.get(variant)),
                **distance_content(setup.class_names, score.distances.get(variant)),
            }
            for variant, counts in score.counts.items()
        },
    }
