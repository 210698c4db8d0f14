"""What an evaluation says of the CAMs."""

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
from platform.results.formats import percent, threshold
from platform.results.text_tables import TextTable
from toco_core.scoring.cam_score import Score
from toco_core.scoring.class_pixels import ClassPixels


def miou_table(setup: EvaluationSetup, score: Score) -> TextTable:
    """Return the mIoU at the threshold that was chosen elsewhere, and at the split's own best."""
    split, chosen = setup.split, threshold(setup.bkg)
    return TextTable(
        title=f"CAM mIoU on {score.images} images of {split}, %",
        columns=("background threshold", "final", "bkg", "auxiliary", "bkg"),
        rows=[
            [
                setup.bkg_source,
                percent(score.at(setup.bkg)),
                chosen,
                percent(score.aux_at(setup.bkg)),
                chosen,
            ],
            [
                f"best on {split} itself (optimistic)",
                percent(score.miou),
                threshold(score.bkg),
                percent(score.aux_miou),
                threshold(score.aux_bkg),
            ],
        ],
    )


def class_pixels(setup: EvaluationSetup, score: Score) -> dict[str, ClassPixels]:
    """Return the pixels of each class at the chosen threshold, of final and auxiliary CAM."""
    return {
        "CAM": score.final.pixels(setup.bkg),
        "aux. CAM": score.auxiliary.pixels(setup.bkg),
    }


def class_rims(score: Score) -> dict[str, ClassPixels]:
    """Return the rims of each class at the chosen threshold; nothing if they were not counted."""
    return dict(zip(("CAM", "aux. CAM"), score.boundary, strict=False))


def class_distances(score: Score) -> dict[str, NDArray[np.float64]]:
    """Return the distances of edges, (N, K) px; nothing if they were not measured."""
    return dict(zip(("CAM", "aux. CAM"), score.distances, strict=False))


def cam_content(setup: EvaluationSetup, score: Score) -> dict[str, Any]:
    """Return what the JSON file says of the CAMs; IoU as fractions, null where there is none."""
    final, aux = class_pixels(setup, score).values()
    rims, distances = class_rims(score), class_distances(score)
    return {
        "bkg": setup.bkg,
        "bkg_source": setup.bkg_source,
        "miou": number(score.at(setup.bkg)),
        "aux_miou": number(score.aux_at(setup.bkg)),
        "best_on_split": {
            "bkg": score.bkg,
            "miou": score.miou,
            "aux_bkg": score.aux_bkg,
            "aux_miou": score.aux_miou,
        },
        "class_f1": number(score.f1),
        **overlap_content(setup.class_names, final),
        **overlap_content(setup.class_names, aux, "aux_"),
        **boundary_content(setup.class_names, rims.get("CAM")),
        **boundary_content(setup.class_names, rims.get("aux. CAM"), "aux_"),
        **distance_content(setup.class_names, distances.get("CAM")),
        **distance_content(setup.class_names, distances.get("aux. CAM"), "aux_"),
        "agreement": number(score.agreement),
        "token_similarity": list(map(number, score.token_similarity)),
        "thresholds": score.final.thresholds.tolist(),
        "curve": score.final.miou.tolist(),
        "aux_curve": score.auxiliary.miou.tolist(),
    }
