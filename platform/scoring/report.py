"""What an evaluation shows and leaves behind: tables, a plot, JSON, Parquet and pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from platform.results.evaluation_tables import class_table, similarity_table, threshold_plot
from platform.results.grids import Grid, to_rich
from platform.results.progress import print_line
from platform.results.run_tables import mask_table
from platform.results.wording import percent, threshold
from platform.scoring.answer import ScoredCheckpoint
from platform.scoring.setup import EvaluationSetup

REPORT_FILE, CLASSES_FILE = "evaluation.json", "classes.parquet"
PICTURES = "cam-*.png"


def show_evaluation(setup: EvaluationSetup, answer: ScoredCheckpoint, console: Console) -> None:
    """Print the tables and the threshold curve."""
    score = answer.score
    final, aux = _class_iou(setup, answer)
    tables = (
        miou_table(setup, answer),
        class_table(_class_names(setup), final, aux),
        similarity_table(score.token_similarity),
        mask_table({setup.request.split: {setup.request.purpose: score.masks_opened}}),
    )
    for grid in tables:
        console.print()
        console.print(to_rich(grid))
    print_line(console, f"\nF1 of the image-level classification: {percent(score.f1)} %")
    print_line(console, f"\nCAM mIoU in % over the background threshold, {setup.request.split}:")
    print_line(console, threshold_plot(score.final.miou.tolist()))
    print_line(console, f"\ntables and pictures: {setup.output}")


def miou_table(setup: EvaluationSetup, answer: ScoredCheckpoint) -> Grid:
    """Return the mIoU at the threshold that was chosen elsewhere, and at the split's own best."""
    score, split = answer.score, setup.request.split
    chosen = threshold(setup.bkg)
    return Grid(
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


def write_evaluation(setup: EvaluationSetup, answer: ScoredCheckpoint) -> None:
    """Write `evaluation.json`, `classes.parquet` and the pictures of the CAMs."""
    setup.output.mkdir(parents=True, exist_ok=True)
    for earlier in setup.output.glob(PICTURES):
        earlier.unlink()
    for index, picture in enumerate(answer.pictures):
        (setup.output / PICTURES.replace("*", f"{index:04d}")).write_bytes(picture)
    pq.write_table(_class_rows(setup, answer), setup.output / CLASSES_FILE)
    text = json.dumps(_content(setup, answer), indent=2, allow_nan=False)
    (setup.output / REPORT_FILE).write_text(text + "\n")


def _class_rows(setup: EvaluationSetup, answer: ScoredCheckpoint) -> pa.Table:
    final, aux = _class_iou(setup, answer)
    names = _class_names(setup)
    columns = {"label": list(range(len(names))), "name": names, "iou": final, "aux_iou": aux}
    return pa.table(columns)  # NaN where the split does not show the class


def _content(setup: EvaluationSetup, answer: ScoredCheckpoint) -> dict[str, Any]:
    """Return everything but the pictures; IoU as fractions, null where there is none."""
    score, request = answer.score, setup.request
    names = _class_names(setup)
    final, aux = _class_iou(setup, answer)
    return {
        "checkpoint": request.checkpoint,
        "recipe": setup.checkpoint.recipe.name,
        "iteration": setup.checkpoint.iteration,
        "dataset": request.dataset,
        "split": request.split,
        "images": score.images,
        "masks_opened": score.masks_opened,
        "seconds": answer.seconds,
        "bkg": setup.bkg,
        "bkg_source": setup.bkg_source,
        "miou": _number(score.at(setup.bkg)),
        "aux_miou": _number(score.aux_at(setup.bkg)),
        "best_on_split": {
            "bkg": score.bkg,
            "miou": score.miou,
            "aux_bkg": score.aux_bkg,
            "aux_miou": score.aux_miou,
        },
        "class_f1": _number(score.f1),
        "class_iou": dict(zip(names, map(_number, final), strict=True)),
        "aux_class_iou": dict(zip(names, map(_number, aux), strict=True)),
        "token_similarity": list(map(_number, score.token_similarity)),
        "thresholds": score.final.thresholds.tolist(),
        "curve": score.final.miou.tolist(),
        "aux_curve": score.auxiliary.miou.tolist(),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _class_names(setup: EvaluationSetup) -> list[str]:
    return ["background", *setup.checkpoint.class_names]


def _class_iou(
    setup: EvaluationSetup, answer: ScoredCheckpoint
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the IoU of each class at the chosen threshold: of the final and the auxiliary CAM."""
    score = answer.score
    curves = score.final.class_iou(setup.bkg), score.auxiliary.class_iou(setup.bkg)
    return curves[0].tolist(), curves[1].tolist()
