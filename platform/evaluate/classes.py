"""The numbers of each class in an evaluation: as tables, and as rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from platform.evaluate import cam_results, segmentation_results
from platform.evaluate.evaluation import Evaluation
from platform.evaluate.numbers import OVERLAPS
from platform.evaluate.segmentation_results import HEADINGS
from platform.evaluate.setup import EvaluationSetup
from platform.results.evaluation_tables import class_table
from platform.results.formats import pixels
from platform.results.text_tables import TextTable
from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.hausdorff import mean_distances

# What columns of the Parquet file begin with, by the headings of the table.
PREFIXES = {
    "CAM": "",
    "aux. CAM": "aux_",
    "seg": "seg_",
    "seg multi": "seg_multi_",
    "seg CRF": "seg_crf_",
}


def class_tables(setup: EvaluationSetup, evaluation: Evaluation) -> list[TextTable]:
    """Return the overlaps of every class, and what was measured at its edges, if it was."""
    names, tables = setup.class_names, _overlap_tables(setup, _class_pixels(setup, evaluation))
    if rims := _class_rims(evaluation):
        iou = {heading: one.iou.tolist() for heading, one in rims.items()}
        tables.append(class_table(names, iou, "Boundary IoU by class, %"))
    if distances := _class_distances(evaluation):
        px = {heading: mean_distances(one).tolist() for heading, one in distances.items()}
        tables.append(class_table(names, px, "95 % Hausdorff distance by class, px", pixels))
    return tables


def _class_pixels(setup: EvaluationSetup, evaluation: Evaluation) -> dict[str, ClassPixels]:
    columns: dict[str, ClassPixels] = {}
    if evaluation.cam:
        columns |= cam_results.class_pixels(setup, evaluation.cam.score)
    if evaluation.segmentation:
        columns |= segmentation_results.class_pixels(evaluation.segmentation.score)
    return columns


def _class_rims(evaluation: Evaluation) -> dict[str, ClassPixels]:
    columns = cam_results.class_rims(evaluation.cam.score) if evaluation.cam else {}
    if evaluation.segmentation:
        columns |= segmentation_results.class_rims(evaluation.segmentation.score)
    return columns


def _class_distances(evaluation: Evaluation) -> dict[str, NDArray[np.float64]]:
    columns = cam_results.class_distances(evaluation.cam.score) if evaluation.cam else {}
    if evaluation.segmentation:
        columns |= segmentation_results.class_distances(evaluation.segmentation.score)
    return columns


def _overlap_tables(setup: EvaluationSetup, columns: Mapping[str, ClassPixels]) -> list[TextTable]:
    """Return the IoU of everything, and all overlaps of the CAM and of the last segmentation."""
    names, headings = setup.class_names, [*columns]
    iou = {heading: one.iou.tolist() for heading, one in columns.items()}
    shown = [one for one in headings if one == "CAM" or one in HEADINGS.values()]
    more = {
        f"{heading} {name}": getattr(columns[heading], name).tolist()
        for heading in dict.fromkeys((shown[0], shown[-1]))
        for name in OVERLAPS[1:]
    }
    title = "Dice, precision and recall by class, %"
    return [class_table(names, iou), class_table(names, more, title)]


def class_rows(setup: EvaluationSetup, evaluation: Evaluation) -> pa.Table:
    """Return a row for each class; NaN where the split does not show it."""
    columns = {
        f"{PREFIXES[heading]}{name}": getattr(one, name).tolist()
        for heading, one in _class_pixels(setup, evaluation).items()
        for name in OVERLAPS
    }
    columns |= {
        f"{PREFIXES[heading]}boundary_iou": rims.iou.tolist()
        for heading, rims in _class_rims(evaluation).items()
    }
    columns |= {
        f"{PREFIXES[heading]}hausdorff_95": mean_distances(distances).tolist()
        for heading, distances in _class_distances(evaluation).items()
    }
    names = list(setup.class_names)
    return pa.table({"label": list(range(len(names))), "name": names, **columns})
