"""What an evaluation says of the CAMs."""

from __future__ import annotations

from typing import Any

from platform.evaluate.numbers import by_class, number
from platform.evaluate.setup import EvaluationSetup
from platform.results.formats import percent, threshold
from platform.results.text_tables import TextTable
from toco_core.scoring.cam_score import Score


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


def class_columns(setup: EvaluationSetup, score: Score) -> dict[str, list[float]]:
    """Return the IoU of each class at the chosen threshold, of the final and the auxiliary CAM."""
    return {
        "CAM": score.final.class_iou(setup.bkg).tolist(),
        "aux. CAM": score.auxiliary.class_iou(setup.bkg).tolist(),
    }


def cam_content(setup: EvaluationSetup, score: Score) -> dict[str, Any]:
    """Return what the JSON file says of the CAMs; IoU as fractions, null where there is none."""
    final, aux = class_columns(setup, score).values()
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
        "class_iou": by_class(setup.class_names, final),
        "aux_class_iou": by_class(setup.class_names, aux),
        "agreement": number(score.agreement),
        "token_similarity": list(map(number, score.token_similarity)),
        "thresholds": score.final.thresholds.tolist(),
        "curve": score.final.miou.tolist(),
        "aux_curve": score.auxiliary.miou.tolist(),
    }
