"""Train variants of a recipe with several seeds, side by side; finished runs are kept in a file."""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import platform
from platform.results.interval import mean_interval
from toco_core.data.partscenes.dataset import ensure_partscenes
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.scoring.cam import score_chunk
from toco_core.scoring.cam_score import Score, chunks, summarise
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides, load_recipe, parse_override
from toco_core.trainer import Trainer

Variants = Mapping[str, Mapping[str, Any]]  # name -> settings
COLUMNS = ("CAM mIoU", "aux. CAM mIoU", "F1", "token cosine")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run; mIoU and F1 in 0..1, the cosine that of the final patch tokens of an image."""

    variant: str
    seed: int
    miou: float
    aux_miou: float
    f1: float
    cosine: float


def compare_variants(description: str | None, output: str, variants: Variants) -> None:
    """Read the command line of a benchmark, train what is missing, print the table."""
    options = parser(description, output).parse_args()
    outcomes = run_variants(variants, options)
    recipe = base_recipe(options)
    print(f"\n{recipe.name}, {recipe.iterations} iterations, {platform.machine()}\n")
    print(table(outcomes, variants))


def run_variants(variants: Variants, options: argparse.Namespace) -> list[Outcome]:
    """Train what is missing of every variant and seed; return all outcomes.

    Args:
        variants: settings on top of those of the command line.
        options: of `parser`.
    """
    base = base_recipe(options)
    root = options.data or str(ensure_partscenes())
    outcomes = _known(options.output)
    done = {(one.variant, one.seed) for one in outcomes}
    wanted = [(v, s) for s in range(options.seeds) for v in variants if (v, s) not in done]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        runs = [
            pool.submit(train_and_score, apply_overrides(base, {**variants[v], "seed": s}), root, v)
            for v, s in wanted
        ]
        for count, run in enumerate(as_completed(runs), start=1):
            outcomes.append(run.result())
            with options.output.open("a") as file:
                file.write(json.dumps(asdict(outcomes[-1])) + "\n")
            print(f"{count}/{len(runs)}  {outcomes[-1]}", flush=True)
    return [one for one in outcomes if one.variant in variants and one.seed < options.seeds]


def parser(description: str | None, output: str) -> argparse.ArgumentParser:
    """Return a command line of what all such benchmarks take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="partscenes", help="name or YAML file")
    parser.add_argument("--data", help="Parquet dataset; by default PartScenes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--output", type=Path, default=Path(output), help="finished runs")
    return parser


def base_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe that the variants change."""
    return apply_overrides(load_recipe(options.recipe), dict(map(parse_override, options.set)))


def train_and_score(recipe: Recipe, root: str, variant: str) -> Outcome:
    """Train one run, on one thread, and score its end.

    mIoU is that of the `report` split, at the background threshold that `tune` chose.
    """
    torch.set_num_threads(1)
    dataset = open_dataset(root)
    trainer = Trainer(recipe, dataset)
    while not trainer.finished:
        trainer.step()
    tune, report = (_score(trainer, dataset, split) for split in ("tune", "report"))
    return Outcome(
        variant=variant,
        seed=recipe.seed,
        miou=report.at(tune.bkg),
        aux_miou=report.aux_at(tune.aux_bkg),
        f1=report.f1,
        cosine=report.token_similarity[-1],
    )


def _score(trainer: Trainer, dataset: ParquetDataset, name: str) -> Score:
    split = dataset.split(name)
    model = trainer.model.eval()
    parts = (
        score_chunk(model, trainer.recipe, split, indices, purpose="benchmark")
        for indices in chunks(len(split))
    )
    return summarise(parts)


def _known(path: Path) -> list[Outcome]:
    if not path.exists():
        return []
    return [Outcome(**json.loads(line)) for line in path.read_text().splitlines()]


def table(outcomes: list[Outcome], variants: Variants) -> str:
    """Return the results as a Markdown table, in percent (the cosine as it is)."""
    lines = [f"| variant | seeds | {' | '.join(COLUMNS)} |", "| --- " * (len(COLUMNS) + 2) + "|"]
    for variant in variants:
        rows = [one for one in outcomes if one.variant == variant]
        if rows:
            cells = [_cell([getattr(one, k) for one in rows], 100) for k in ("miou", "aux_miou")]
            cells += [_cell([one.f1 for one in rows], 100), _cell([one.cosine for one in rows], 1)]
            lines.append(f"| {variant} | {len(rows)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float], scale: float) -> str:
    mean, half = mean_interval([scale * value for value in values])
    digits = 1 if scale == 100 else 3
    return f"{mean:.{digits}f} ± {half:.{digits}f}"
