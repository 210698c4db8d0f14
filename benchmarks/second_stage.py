"""Whether CAM mIoU says which labels a second stage learns more from.

    nice -n 15 python -m benchmarks.second_stage

One training of the embedded recipe is kept at several iterations. Each of these networks labels the
first images of PartScenes' `train` at several background thresholds; every set of labels trains a
second stage (`python -m platform.second_stage`), which is scored on `tune`. Printed are the rank
correlations of its mIoU with CAM mIoU on `tune`, and with that of the labels themselves: the masks
of `train`, which the dataset lacks, are drawn again for it. A row of masks as labels is the upper
bound, and takes no part in the correlations.

A row is written after each configuration; the command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import platform
from benchmarks.toco_table.statistics import Bounded, kendall, spearman
from platform.command_line import run_command
from platform.export.command import run_export
from platform.export.files import Layout, encode_labels, write_whole
from platform.export.options import ExportOptions
from platform.export.setup import SETTINGS_FILE
from platform.second_stage.checks import check_options
from platform.second_stage.command import run_second_stage
from platform.second_stage.options import SecondStageOptions
from platform.workers.executor import LocalExecutor
from platform.workers.requests import ScoreRequest
from platform.workers.worker import ScoringWorker
from toco_core.data.partscenes.dataset import PartScenes, ensure_partscenes
from toco_core.data.partscenes.scene import draw_scene
from toco_core.data.reader import ParquetSplit, open_dataset
from toco_core.scoring.cam_score import Score
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.settings.overrides import load_recipe
from toco_core.trainer import Trainer

MASKS = "masks"
BOUND = (MASKS, 0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One set of labels, and what came of it; mIoU as fractions.

    Attributes:
        cam_miou: of the CAMs on `tune`, at the threshold of the labels; NaN for masks.
        label_miou: of the labels themselves.
        second_miou: of the second stage on `tune`, the mean over seeds; each is in `seeds`.
    """

    name: str
    iteration: int
    bkg: float
    cam_miou: float
    label_miou: float
    second_miou: float
    seeds: list[float]


def main() -> None:
    """Read the command line, measure what is missing, print the table."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--iterations", type=int, nargs="+", default=[20, 60, 120])
    made.add_argument("--thresholds", type=float, nargs="+", default=[0.3, 0.45, 0.6])
    made.add_argument("--images", type=int, default=500, help="that are labelled")
    made.add_argument("--seeds", type=int, default=1, help="of each second stage")
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    made.add_argument("--directory", type=Path, default=Path("reports/benchmark-second-stage"))
    options = made.parse_args()
    run_command(lambda: measure(options))


def measure(options: argparse.Namespace) -> int:
    """Measure the configurations that have no row yet."""
    torch.set_num_threads(1)
    file, root = options.directory / "rows.jsonl", str(ensure_partscenes())
    rows = read_rows(file)
    networks = list(trained(options.directory / "networks", root, options.iterations))
    found = product(networks, options.thresholds)
    wanted = [(f"{i:04d}-{bkg:g}", i, bkg) for i, bkg in found]
    for name, iteration, bkg in [BOUND, *wanted]:
        if name in {row.name for row in rows}:
            continue
        row = one_row(name, iteration, bkg, root, options)
        rows.append(row)
        with file.open("a") as opened:
            opened.write(json.dumps(asdict(row)) + "\n")
    print(f"\n{platform.machine()}, {options.images} images, {options.seeds} seeds\n")
    print(table(rows))
    return 0


def read_rows(file: Path) -> list[Row]:
    """Return the rows that were measured before."""
    return (
        [Row(**json.loads(line)) for line in file.read_text().splitlines()]
        if file.is_file()
        else []
    )


def network(directory: Path, iteration: int) -> Path:
    """Return where the network after so many iterations is."""
    return directory / f"{iteration:04d}.pt"


def trained(directory: Path, root: str, iterations: Sequence[int]) -> Iterator[int]:
    """Train the embedded recipe from the last kept iteration on; give each that is kept."""
    directory.mkdir(parents=True, exist_ok=True)
    dataset, kept = open_dataset(root), sorted(iterations)
    done = [one for one in kept if network(directory, one).is_file()]
    yield from done
    if done == kept:
        return
    trainer = (
        Trainer.resume(network(directory, done[-1]), dataset)
        if done
        else Trainer(load_recipe("partscenes"), dataset)
    )
    while trainer.iteration < kept[-1]:
        trainer.step()
        if trainer.iteration in kept:
            trainer.save(network(directory, trainer.iteration))
            print(f"trained to iteration {trainer.iteration}", flush=True)
            yield trainer.iteration


def one_row(name: str, iteration: int, bkg: float, root: str, options: argparse.Namespace) -> Row:
    """Label, train and score one configuration."""
    split, labels = open_dataset(root).split("train"), options.directory / "labels" / name
    checkpoint = network(options.directory / "networks", iteration)
    if name == MASKS:
        write_masks(labels, split, options.images)
        cam_miou = float("nan")
    else:
        run_export(
            ExportOptions(checkpoint=str(checkpoint), output=labels, images=options.images, bkg=bkg)
        )
        cam_miou = cam_score(checkpoint, root).at(bkg)
    second = second_stage(name, labels, options)
    return Row(
        name=name,
        iteration=iteration,
        bkg=bkg,
        cam_miou=cam_miou,
        label_miou=label_miou(labels, split, options.images),
        second_miou=float(np.mean(second)),
        seeds=second,
    )


@cache
def cam_score(checkpoint: Path, root: str) -> Score:
    """Score the CAMs of a network on `tune`, at all thresholds at once."""
    request = ScoreRequest(
        checkpoint=str(checkpoint), dataset=root, split="tune", purpose="benchmark"
    )
    return LocalExecutor(ScoringWorker()).submit(request).result().score


def second_stage(name: str, labels: Path, options: argparse.Namespace) -> list[float]:
    """Train a second stage on labels; return its mIoU of each seed."""
    asked = SecondStageOptions(
        labels=labels,
        name=name,
        reports=options.directory / "second",
        seeds=options.seeds,
        set=tuple(options.set),
    )
    run_second_stage(check_options(asked), asked)
    content = (asked.reports / name / "second-stage-tune.json").read_text()
    return [one["miou"] for one in json.loads(content)["seeds"].values()]


def mask_of(index: int) -> np.ndarray:
    """Draw the mask of an image of `train`, (H, W), which the dataset does not hold."""
    drawn = PartScenes()
    return draw_scene(drawn.seed, "train", index, drawn.size).mask


def write_masks(directory: Path, split: ParquetSplit, images: int) -> None:
    """Write true labels as an export would have them."""
    layout = Layout(directory=directory, split="train")
    for index in range(images):
        content = encode_labels(mask_of(index), split.info.palette, split.info.ignore_index)
        write_whole(layout.file("labels", split.row(index).name), content)
    settings = {"split": "train", "format": "files", "classes": list(split.info.class_names)}
    write_whole(directory / SETTINGS_FILE, json.dumps(settings).encode())


def label_miou(directory: Path, split: ParquetSplit, images: int) -> float:
    """Score labels by the drawn masks."""
    layout, classes = Layout(directory=directory, split="train"), split.info.num_classes + 1
    counts = ConfusionMatrix.empty(classes)
    for index in range(images):
        with Image.open(layout.file("labels", split.row(index).name)) as image:
            labels = torch.from_numpy(np.array(image))
        truth = torch.from_numpy(mask_of(index).astype(np.int64))
        truth[labels == split.info.ignore_index] = split.info.ignore_index  # does not count
        counts += ConfusionMatrix.of(truth, labels.clamp(max=classes - 1), classes)
    return counts.miou


def table(rows: list[Row]) -> str:
    """Return rows and rank correlations as Markdown."""
    lines = [
        "| iteration | bkg | CAM mIoU, tune | label mIoU, train | second stage mIoU, tune |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(rows, key=lambda one: one.second_miou):
        cells = [100 * value for value in (row.cam_miou, row.label_miou, row.second_miou)]
        shown = [f"{cell:.1f}" if np.isfinite(cell) else "–" for cell in cells]
        what = ["masks", "–"] if row.name == MASKS else [str(row.iteration), f"{row.bkg:g}"]
        lines.append(f"| {' | '.join([*what, *shown])} |")
    compared = [row for row in rows if row.name != MASKS]
    second = np.array([row.second_miou for row in compared])
    for name in ("cam_miou", "label_miou"):
        first = np.array([getattr(row, name) for row in compared])
        found = (_words(one(first, second)) for one in (spearman, kendall))
        lines.append(
            "\n{} and second stage, {}: Spearman {}, Kendall {}".format(name, len(first), *found)
        )
    return "\n".join(lines)


def _words(found: Bounded | None) -> str:
    return (
        "too few" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
    )


if __name__ == "__main__":
    main()
