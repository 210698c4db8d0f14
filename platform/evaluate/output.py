"""What an evaluation shows and leaves behind: tables, a plot, JSON, Parquet and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from platform.evaluate import cam_results, segmentation_results
from platform.evaluate.cards import evaluation_cards
from platform.evaluate.numbers import OVERLAPS
from platform.evaluate.segmentation_results import HEADINGS
from platform.evaluate.setup import EvaluationSetup
from platform.protocol.card import ProtocolCard, card_table
from platform.results.evaluation_tables import class_table, similarity_table, threshold_plot
from platform.results.formats import percent
from platform.results.progress import print_line
from platform.results.run_tables import mask_table
from platform.results.text_tables import TextTable, to_rich
from platform.workers.results import EvaluationResult
from toco_core.data.ledger import MaskLedger
from toco_core.scoring.cam_score import Score
from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.segmentation_score import SegmentationScore

EVALUATION_FILE, CLASSES_FILE = "evaluation.json", "classes.parquet"
CAM_PICTURES, SEGMENTATION_PICTURES = "cam-*.png", "segmentation-*.png"
# What columns of the Parquet file begin with, by the headings of the table.
PREFIXES = {
    "CAM": "",
    "aux. CAM": "aux_",
    "seg": "seg_",
    "seg multi": "seg_multi_",
    "seg CRF": "seg_crf_",
}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was scored; None where it was not asked for."""

    cam: EvaluationResult[Score] | None
    segmentation: EvaluationResult[SegmentationScore] | None

    @property
    def mious(self) -> list[float]:
        """One mIoU of each that was scored: NaN if the truth shows nothing."""
        cam = [self.cam.score.miou] if self.cam else []
        return cam + [counts.miou for counts in self._counts]

    @property
    def _counts(self) -> Sequence[Any]:
        return list(self.segmentation.score.counts.values()) if self.segmentation else []


def mask_ledger(setup: EvaluationSetup, evaluation: Evaluation) -> MaskLedger:
    """Return the masks that were opened, and what for."""
    ledger = MaskLedger()
    for request, result in (
        (setup.cam, evaluation.cam),
        (setup.segmentation, evaluation.segmentation),
    ):
        if request and result:
            ledger.record(setup.split, request.purpose, result.score.masks_opened)
    return ledger


def cards_of(setup: EvaluationSetup, evaluation: Evaluation) -> dict[str, ProtocolCard]:
    """Return under which conditions each number was measured; hashes files, so ask once."""
    cam, segmentation = evaluation.cam, evaluation.segmentation
    return evaluation_cards(
        setup,
        cam and cam.score,
        segmentation and segmentation.score,
        mask_ledger(setup, evaluation),
    )


def show_evaluation(
    setup: EvaluationSetup,
    evaluation: Evaluation,
    cards: Mapping[str, ProtocolCard],
    console: Console,
) -> None:
    """Print the tables, the first card, and the threshold curve."""
    cam, segmentation = evaluation.cam, evaluation.segmentation
    tables: list[TextTable] = []
    if cam:
        tables.append(cam_results.miou_table(setup, cam.score))
    if segmentation:
        tables.append(segmentation_results.segmentation_table(setup, segmentation.score))
    tables += _class_tables(setup, _class_pixels(setup, evaluation))
    if rims := _class_rims(evaluation):
        iou = {heading: one.iou.tolist() for heading, one in rims.items()}
        tables.append(class_table(setup.class_names, iou, "Boundary IoU by class, %"))
    if cam:
        tables.append(similarity_table(cam.score.token_similarity))
    tables.append(mask_table(mask_ledger(setup, evaluation)))
    tables += [card_table(card) for card in list(cards.values())[:1]]
    for table in tables:
        console.print()
        console.print(to_rich(table))
    if cam:
        _show_curve(setup, cam.score, console)
    print_line(console, f"\ntables and pictures: {setup.output}")


def _show_curve(setup: EvaluationSetup, score: Score, console: Console) -> None:
    print_line(console, f"\nF1 of the image-level classification: {percent(score.f1)} %")
    print_line(console, f"\nCAM mIoU in % over the background threshold, {setup.split}:")
    print_line(console, threshold_plot(score.final.miou.tolist()))


def write_evaluation(
    setup: EvaluationSetup, evaluation: Evaluation, cards: Mapping[str, ProtocolCard]
) -> None:
    """Write `evaluation.json`, `classes.parquet` and the pictures."""
    setup.output.mkdir(parents=True, exist_ok=True)
    cam, segmentation = evaluation.cam, evaluation.segmentation
    _write_pictures(setup.output, CAM_PICTURES, cam.pictures if cam else [])
    _write_pictures(
        setup.output, SEGMENTATION_PICTURES, segmentation.pictures if segmentation else []
    )
    pq.write_table(_class_rows(setup, evaluation), setup.output / CLASSES_FILE)
    content = _content(setup, evaluation)
    content["cards"] = {name: card.to_json() for name, card in cards.items()}
    text = json.dumps(content, indent=2, allow_nan=False)
    (setup.output / EVALUATION_FILE).write_text(text + "\n")


def _write_pictures(directory: Path, pattern: str, pictures: Sequence[bytes]) -> None:
    for earlier in directory.glob(pattern):
        earlier.unlink()
    for index, picture in enumerate(pictures):
        (directory / pattern.replace("*", f"{index:04d}")).write_bytes(picture)


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


def _class_tables(setup: EvaluationSetup, columns: Mapping[str, ClassPixels]) -> list[TextTable]:
    """Return the IoU of everything, and all overlaps of the CAM and of the last segmentation."""
    names, headings = setup.class_names, [*columns]
    iou = {heading: pixels.iou.tolist() for heading, pixels in columns.items()}
    shown = [one for one in headings if one == "CAM" or one in HEADINGS.values()]
    more = {
        f"{heading} {name}": getattr(columns[heading], name).tolist()
        for heading in dict.fromkeys((shown[0], shown[-1]))
        for name in OVERLAPS[1:]
    }
    title = "Dice, precision and recall by class, %"
    return [class_table(names, iou), class_table(names, more, title)]


def _class_rows(setup: EvaluationSetup, evaluation: Evaluation) -> pa.Table:
    """Return a row for each class; NaN where the split does not show it."""
    columns = {
        f"{PREFIXES[heading]}{name}": getattr(pixels, name).tolist()
        for heading, pixels in _class_pixels(setup, evaluation).items()
        for name in OVERLAPS
    }
    columns |= {
        f"{PREFIXES[heading]}boundary_iou": rims.iou.tolist()
        for heading, rims in _class_rims(evaluation).items()
    }
    names = list(setup.class_names)
    return pa.table({"label": list(range(len(names))), "name": names, **columns})


def _content(setup: EvaluationSetup, evaluation: Evaluation) -> dict[str, Any]:
    """Return everything but the pictures; IoU as fractions, null where there is none."""
    cam, segmentation = evaluation.cam, evaluation.segmentation
    content: dict[str, Any] = {
        "checkpoint": setup.network.checkpoint,
        "recipe": setup.network.recipe.name,
        "official": setup.network.official,
        "iteration": setup.network.iteration,
        "dataset": setup.dataset,
        "split": setup.split,
        "images": setup.images,
        "masks_opened": mask_ledger(setup, evaluation).total(),
        "seconds": sum(result.seconds for result in (cam, segmentation) if result),
    }
    if cam:
        content |= cam_results.cam_content(setup, cam.score)
    if segmentation:
        content["segmentation"] = segmentation_results.segmentation_content(
            setup, segmentation.score
        )
    return content
