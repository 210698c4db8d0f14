"""What a second stage shows and leaves behind: tables, JSON, Parquet, TensorBoard."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.console import Console
from torch.utils.tensorboard import SummaryWriter

from platform.command_line import shown_path
from platform.evaluate.numbers import by_class, number
from platform.protocol.card import ProtocolCard, card_table
from platform.protocol.fill import Measured, segmentation_card
from platform.results.evaluation_tables import class_table
from platform.results.formats import gain, percent
from platform.results.interval import mean_interval
from platform.results.parquet_files import write_table
from platform.results.progress import print_line
from platform.results.run_tables import mask_table
from platform.results.tensorboard import TENSORBOARD_DIRECTORY, run_directory
from platform.results.text_tables import TextTable, to_rich
from platform.second_stage.exported import SPLIT
from platform.second_stage.setup import SecondStageSetup
from toco_core.data.ledger import MaskLedger
from toco_core.files import replacing
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.scoring.segmentation_score import SegmentationScore, Variant
from toco_core.supervised.labels import MASKS_PURPOSE

RESULT_FILE = "second-stage-{split}.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The scores of a second stage by seed."""

    setup: SecondStageSetup
    scores: Mapping[int, SegmentationScore]
    purpose: str

    @property
    def variant(self) -> Variant:
        """How images were segmented for the score that counts."""
        return "multi" if self.setup.scales else "single"

    @property
    def counts(self) -> Mapping[int, ConfusionMatrix]:
        return {seed: score.counts[self.variant] for seed, score in self.scores.items()}

    @property
    def mious(self) -> list[float]:
        return [one.miou for one in self.counts.values()]

    @property
    def class_iou(self) -> NDArray[np.float64]:
        """Mean IoU of each class over the seeds, (C + 1,); NaN where the truth shows none."""
        return np.mean([one.pixels.iou for one in self.counts.values()], 0)

    def ledger(self, seeds: Sequence[int]) -> MaskLedger:
        """Return the masks that were opened for some runs, in all sessions."""
        ledger = MaskLedger()
        for seed in seeds:
            recipe = self.setup.runs[seed].plan.recipe
            if self.setup.masks:
                images = recipe.iterations * recipe.data.images_per_step
                ledger.record(SPLIT, MASKS_PURPOSE, images)
            ledger.record(self.setup.split, self.purpose, self.scores[seed].masks_opened)
        return ledger

    def cards(self) -> dict[int, ProtocolCard]:
        """Return how the number of each seed was measured; hashes files, so ask once."""
        return {seed: self._card(seed) for seed in self.scores}

    def _card(self, seed: int) -> ProtocolCard:
        run = self.setup.runs[seed]
        measured = Measured(
            checkpoint=run.final_checkpoint,
            recipe=run.plan.recipe,
            iteration=run.plan.recipe.iterations,
            dataset=self.setup.dataset,
            split=self.setup.split,
            masks=self.ledger([seed]),
            trained_on=self.setup.trained_on,
        )
        return segmentation_card(measured, self.scores[seed], self.variant, self.setup.scales)


def show_outcome(outcome: Outcome, cards: Mapping[int, ProtocolCard], console: Console) -> None:
    """Print the tables and the first card."""
    setup = outcome.setup
    for table in (
        _score_table(outcome),
        class_table(setup.class_names, {"IoU": outcome.class_iou.tolist()}),
        mask_table(outcome.ledger(list(outcome.scores))),
        card_table(next(iter(cards.values()))),
    ):
        console.print()
        console.print(to_rich(table))
    print_line(console, f"\ntrained on {setup.trained_on}")
    print_line(console, f"tables: {shown_path(setup.directory)}")
    print_line(console, f"TensorBoard: tensorboard --logdir {shown_path(setup.directory)}")


def _score_table(outcome: Outcome) -> TextTable:
    mious = outcome.mious
    rows = [
        [f"seed {seed}", percent(one.miou), percent(one.pixel_accuracy), percent(one.mean_accuracy)]
        for seed, one in outcome.counts.items()
    ]
    if len(mious) > 1:
        mean, half = mean_interval(mious)
        rows += [
            ["mean", percent(mean), "", ""],
            ["standard deviation", percent(statistics.stdev(mious)), "", ""],
            ["95 % interval", gain(half).replace("+", "± ", 1), "", ""],
        ]
    return TextTable(
        title=f"Second stage on {outcome.setup.split}, %",
        columns=("run", "mIoU", "pixel accuracy", "mean accuracy"),
        rows=rows,
    )


def write_outcome(outcome: Outcome, cards: Mapping[int, ProtocolCard]) -> None:
    """Write `second-stage-SPLIT.json`, `classes-SPLIT.parquet`, and the scores to TensorBoard."""
    setup = outcome.setup
    content = _content(outcome)
    content["cards"] = {str(seed): card.to_json() for seed, card in cards.items()}
    with replacing(setup.directory / RESULT_FILE.format(split=setup.split)) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    write_table(_class_rows(outcome), setup.directory / f"classes-{setup.split}.parquet")
    for seed, counts in outcome.counts.items():
        run = setup.runs[seed]
        directory = run_directory(run.directory / TENSORBOARD_DIRECTORY, 0)
        with SummaryWriter(str(directory)) as writer:
            tag = f"second_stage/miou_{setup.split}"
            writer.add_scalar(tag, counts.miou, run.plan.recipe.iterations)


def _content(outcome: Outcome) -> dict[str, Any]:
    """Return everything as JSON holds it; IoU as fractions, null where there is none."""
    setup, mious = outcome.setup, outcome.mious
    mean, half = mean_interval(mious)
    return {
        "name": setup.name,
        "trained_on": setup.trained_on,
        "dataset": setup.dataset,
        "split": setup.split,
        "scales": list(setup.scales),
        "miou": mean,
        "sd": statistics.stdev(mious) if len(mious) > 1 else None,
        "half_width_95": number(half),
        "class_iou": by_class(setup.class_names, outcome.class_iou.tolist()),
        "seeds": {
            str(seed): {
                "miou": one.miou,
                "pixel_accuracy": number(one.pixel_accuracy),
                "mean_accuracy": number(one.mean_accuracy),
            }
            for seed, one in outcome.counts.items()
        },
        "masks_opened": outcome.ledger(list(outcome.scores)).total(),
    }


def _class_rows(outcome: Outcome) -> pa.Table:
    """Return a row for each class of each seed."""
    names = outcome.setup.class_names
    rows = [
        {"seed": seed, "label": label, "name": names[label], "iou": float(iou)}
        for seed, one in outcome.counts.items()
        for label, iou in enumerate(one.pixels.iou)
    ]
    return pa.Table.from_pylist(rows)
