"""ToCo's own table: whole trainings of the embedded recipe over `search_spaces/full.yaml`.

    nice -n 15 python -m benchmarks.toco_table --configurations 120

The known configurations come first, then a scrambled Sobol sequence; each is trained with two
seeds, on one core, without pruning, and scored five times on `tune`. A row is written after every
training: the command can be broken off at any moment, and goes on where it stopped. A training
takes about 70 s of a core. `--analyse` prints what the table says, and trains nothing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.toco_table.analysis import analyse
from benchmarks.toco_table.configurations import table_configurations, table_space
from benchmarks.toco_table.table import make_row, read_rows, write_rows
from benchmarks.toco_table.training import train
from platform.command_line import run_command
from toco_core.data.partscenes.dataset import ensure_partscenes
from toco_core.data.reader import open_dataset
from toco_core.settings.overrides import apply_overrides

OUTPUT = Path(__file__).parent.with_suffix(".parquet")


def main() -> None:
    """Read the command line, train what is missing or print what there is."""
    options = parser().parse_args()
    run_command(lambda: _say(options) if options.analyse else fill(options))


def _say(options: argparse.Namespace) -> int:
    return analyse(options.output, options.figure)


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--configurations", type=int, default=120)
    made.add_argument("--seeds", type=int, default=2)
    made.add_argument("--minutes", type=float, help="begin no training after so many")
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    made.add_argument("--output", type=Path, default=OUTPUT, help="the table")
    made.add_argument("--analyse", action="store_true", help="print what the table says")
    made.add_argument("--figure", type=Path, help="with --analyse: draw what each setting does")
    return made


def fill(options: argparse.Namespace) -> int:
    """Train what the table lacks, a configuration with all its seeds at a time."""
    space = table_space(options.set)
    keys = [one.key for one in space.space.parameters]
    dataset = open_dataset(str(ensure_partscenes()))
    rows = read_rows(options.output)
    done = {(row["configuration"], row["seed"]) for row in rows}
    began = time.monotonic()
    for number, params in enumerate(table_configurations(space, options.configurations)):
        for seed in range(options.seeds):
            if (number, seed) in done:
                continue
            if options.minutes and time.monotonic() - began > 60 * options.minutes:
                return 0
            recipe = apply_overrides(space.recipe, {**params, "seed": seed})
            rows.append(make_row(number, seed, params, train(recipe, dataset)))
            write_rows(options.output, rows, keys, space.depth)
            print(f"{len(rows)} trainings; {number} with seed {seed}: {rows[-1]['miou']}")
    return 0


if __name__ == "__main__":
    main()
