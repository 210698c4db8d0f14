"""What each token contrast contributes (paper, table 4): no contrast, PTC, CTC, both.

    python -m benchmarks.ablation --seeds 3

Every variant is trained with the same seeds. CAM mIoU is measured on the `report` split, at the
background threshold that the `tune` split chose. Intervals are 95 % of Student's t over seeds.
Finished runs are kept, so that an interrupted ablation goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from scipy.stats import t as student

import platform
from toco_core.data.partscenes.dataset import ensure_partscenes
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.overrides import apply_overrides, load_recipe, parse_override
from toco_core.score import Score, chunks, summarise
from toco_core.scoring import score_chunk
from toco_core.settings import Recipe
from toco_core.trainer import Trainer

VARIANTS: dict[str, dict[str, float]] = {
    "no contrast": {"weights.ptc": 0.0, "weights.ctc": 0.0},
    "PTC": {"weights.ctc": 0.0},
    "CTC": {"weights.ptc": 0.0},
    "PTC + CTC": {},
}
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


def train_and_score(recipe: Recipe, root: str, variant: str) -> Outcome:
    """Train one run, on one thread, and score its end."""
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
        score_chunk(model, trainer.recipe, split, indices, purpose="ablation")
        for indices in chunks(len(split))
    )
    return summarise(parts)


def mean_and_interval(values: list[float]) -> tuple[float, float]:
    """Return the mean and the half width of its 95 % interval (NaN for a single value)."""
    if len(values) < 2:
        return values[0], float("nan")
    error = statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values), float(student.ppf(0.975, len(values) - 1)) * error


def table(outcomes: list[Outcome]) -> str:
    """Return the results as a Markdown table, in percent (the cosine as it is)."""
    lines = [f"| variant | seeds | {' | '.join(COLUMNS)} |", "| --- " * (len(COLUMNS) + 2) + "|"]
    for variant in VARIANTS:
        rows = [one for one in outcomes if one.variant == variant]
        if rows:
            cells = [
                _cell([one.miou for one in rows], 100),
                _cell([one.aux_miou for one in rows], 100),
            ]
            cells += [_cell([one.f1 for one in rows], 100), _cell([one.cosine for one in rows], 1)]
            lines.append(f"| {variant} | {len(rows)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float], scale: float) -> str:
    mean, half = mean_and_interval([scale * value for value in values])
    digits = 1 if scale == 100 else 3
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def _known(path: Path) -> list[Outcome]:
    if not path.exists():
        return []
    return [Outcome(**json.loads(line)) for line in path.read_text().splitlines()]


def main() -> None:
    """Read the command line, train what is missing, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="partscenes", help="name or YAML file")
    parser.add_argument("--data", help="Parquet dataset; by default PartScenes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--output", type=Path, default=Path("reports/ablation.jsonl"))
    options = parser.parse_args()
    base = apply_overrides(load_recipe(options.recipe), dict(map(parse_override, options.set)))
    root = options.data or str(ensure_partscenes())
    outcomes = _known(options.output)
    done = {(one.variant, one.seed) for one in outcomes}
    wanted = [(v, s) for s in range(options.seeds) for v in VARIANTS if (v, s) not in done]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        runs = [
            pool.submit(train_and_score, apply_overrides(base, {**VARIANTS[v], "seed": s}), root, v)
            for v, s in wanted
        ]
        for count, run in enumerate(as_completed(runs), start=1):
            outcomes.append(run.result())
            with options.output.open("a") as file:
                file.write(json.dumps(asdict(outcomes[-1])) + "\n")
            print(f"{count}/{len(runs)}  {outcomes[-1]}", flush=True)
    print(f"\n{base.name}, {base.iterations} iterations, {platform.machine()}\n\n{table(outcomes)}")


if __name__ == "__main__":
    main()
