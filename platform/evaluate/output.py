"""What an evaluation shows and leaves behind: tables, a plot, JSON, Parquet and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console

from platform.evaluate import cam_results, segmentation_results
from platform.evaluate.classes import class_rows, class_tables
from platform.evaluate.evaluation import Evaluation, mask_ledger
from platform.evaluate.setup import EvaluationSetup
from platform.protocol.card import ProtocolCard, card_table
from platform.results.evaluation_tables import similarity_table, threshold_plot
from platform.results.formats import percent
from platform.results.progress import print_line
from platform.results.run_tables import mask_table
from platform.results.text_tables import TextTable, to_rich
from toco_core.scoring.cam_score import Score

REPORT_SPLIT = "report"  # which no choice may have looked at
EVALUATION_FILE, CLASSES_FILE = "evaluation.json", "classes.parquet"
CAM_PICTURES, SEGMENTATION_PICTURES = "cam-*.png", "segmentation-*.png"


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
    tables += class_tables(setup, evaluation)
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
    print_line(console, _opened_before(setup))


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
    pq.write_table(class_rows(setup, evaluation), setup.output / CLASSES_FILE)
    content = _content(setup, evaluation)
    content["times_scored"] = times_scored(setup) + 1
    content["cards"] = {name: card.to_json() for name, card in cards.items()}
    text = json.dumps(content, indent=2, allow_nan=False)
    (setup.output / EVALUATION_FILE).write_text(text + "\n")


def times_scored(setup: EvaluationSetup) -> int:
    """Return how often the split was scored into this directory before, for all that is known."""
    path = setup.output / EVALUATION_FILE
    if not path.is_file():
        return 0
    try:
        earlier = json.loads(path.read_bytes())
        return int(earlier.get("times_scored", 1)) if earlier.get("split") == setup.split else 0
    except (ValueError, TypeError, AttributeError):
        return 0  # of something else, or damaged: it is written anew


def _opened_before(setup: EvaluationSetup) -> str | None:
    """Say that `report` is no fresh split any more, where a choice may have been made by it."""
    count = times_scored(setup) - 1
    if setup.split != REPORT_SPLIT or count < 1:
        return None
    times = "once" if count == 1 else f"{count} times"
    return (
        f"{REPORT_SPLIT} was opened {times} before this, into {setup.output}: what was chosen by "
        "it since then is not seen by it afresh; choose by --split tune"
    )


def _write_pictures(directory: Path, pattern: str, pictures: Sequence[bytes]) -> None:
    for earlier in directory.glob(pattern):
        earlier.unlink()
    for index, picture in enumerate(pictures):
        (directory / pattern.replace("*", f"{index:04d}")).write_bytes(picture)


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
