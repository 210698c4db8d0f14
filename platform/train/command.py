"""`python -m platform.train`, from its options to its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from platform.cluster.machine import device_for, is_on_cluster, this_machine
from platform.command_line import FAILED, INTERRUPTED, drawing_progress, shown_path
from platform.datasets import recipe_remarks
from platform.forecast.preflight import Preflight, run_preflight
from platform.mirror.work import work_in_stores
from platform.results.curves import read_curves
from platform.results.progress import print_line
from platform.results.published import beside_published
from platform.results.run_tables import mask_table, score_table, seed_table
from platform.results.tables import set_damaged_aside
from platform.results.text_tables import to_rich
from platform.train.fit import (
    Fit,
    check_workers,
    fit_here,
    fit_on_ray,
    place_workers,
    uses_ray,
)
from platform.train.loss_log import LOSSES_FILE, first_difference, read_losses
from platform.train.options import TrainOptions
from platform.train.plan import SCORING_PURPOSE
from platform.train.session import train_runs
from platform.train.setup import RunSetup, check_runs, run_directory
from platform.train.stops import RunStopped
from toco_core.data.ledger import MaskLedger
from toco_core.remote_path import RemotePath
from toco_core.settings import Recipe
from toco_core.settings.late_losses import late_losses


def run_train(recipes: Mapping[str, Recipe], options: TrainOptions) -> int:
    """Train one run after the other.

    Args:
        recipes: of each run by the run's name, as `check_options` returns them.
        options: how.

    Returns:
        The exit status of the command.

    Raises:
        ValueError: the options do not fit each other, the dataset or the machines.
        ArithmeticError: a loss or a CAM became infinite or NaN.
        ConnectionError: there is no Ray cluster at the address.
    """
    console = Console()
    check_workers(options.workers, next(iter(recipes.values())))
    if isinstance(options.reports, Path) or options.preflight:
        return _run(recipes, options, console, {})

    def train_there(stores: list[RemotePath]) -> int:
        return _run(recipes, options, console, dict(zip(recipes, stores, strict=True)))

    directories = [options.reports / name for name in recipes]
    return work_in_stores(directories, "run", partial(print_line, console), train_there)


def _run(
    recipes: Mapping[str, Recipe],
    options: TrainOptions,
    console: Console,
    stores: Mapping[str, RemotePath],
) -> int:
    for name in recipes:
        for line in set_damaged_aside(run_directory(options.reports, name)):
            print_line(console, line)
    with drawing_progress(console) as progress:
        runs = check_runs(recipes, options, progress, stores)
    recipe = runs[0].plan.recipe
    remarks = recipe_remarks(options.recipe, recipe, runs[0].plan.dataset)
    for line in [*late_losses(recipe), *remarks]:
        print_line(console, line)
    if options.preflight:
        return _preflight(runs, options, console)
    try:
        _train_all(runs, options, console)
    except RunStopped as stop:
        console.print(f"{stop}; the same command goes on from there")
        return INTERRUPTED
    _show(runs, console)
    return 0 if options.compare_with is None else _compare(runs[0], options.compare_with, console)


def _compare(run: RunSetup, other: Path, console: Console) -> int:
    """Say where a run parts from another; return the exit status."""
    before, now = (read_losses(each / LOSSES_FILE) for each in (other, run.directory))
    difference = first_difference(before, now)
    compared = len(before.keys() & now.keys())
    equal = f"equal to {shown_path(other)}, to the bit, in all {compared} iterations of both"
    print_line(console, equal if difference is None else f"{difference} ({shown_path(other)})")
    return 0 if difference is None else FAILED


def _preflight(runs: Sequence[RunSetup], options: TrainOptions, console: Console) -> int:
    if is_on_cluster(options.workers.address):
        raise ValueError("--preflight measures the machine it runs on: leave out --address")
    plan = runs[0].plan
    placement = place_workers([this_machine()], options.workers, plan.recipe)
    preflight = Preflight(
        recipe=plan.recipe,
        params=runs[0].params,
        dataset=plan.dataset,
        split=plan.split,
        device=device_for(placement.gpus_per_trial),
        placement=placement,
        runs=len(runs),
    )
    return run_preflight(preflight, console)


def _train_all(runs: Sequence[RunSetup], options: TrainOptions, console: Console) -> None:
    todo = [run for run in runs if not run.final_checkpoint.is_file()]
    with _fit(options, todo, console) as fit:
        train_runs(runs, fit, console)


@contextmanager
def _fit(options: TrainOptions, todo: Sequence[RunSetup], console: Console) -> Iterator[Fit]:
    """Start Ray where it is needed: not for runs that are finished."""
    if not todo or not uses_ray(options.workers):
        yield fit_here(options.workers)
        return
    log_file = todo[0].log_file
    console.print(f"starting Ray (its log: {shown_path(log_file)})", style="dim")
    with fit_on_ray(options.workers, todo[0].plan.recipe, log_file) as fit:
        yield fit


def _show(runs: Sequence[RunSetup], console: Console) -> None:
    split = runs[0].plan.split
    curves = {run.name: read_curves(run.directory) for run in runs}
    tables = [score_table(rows, split) for rows in curves.values()] if split else []
    if split and len(runs) > 1:
        tables.append(seed_table({name: rows[-1] for name, rows in curves.items() if rows}, split))
    ledger = MaskLedger()
    if split:
        opened = sum(row["mask_reads"] for rows in curves.values() for row in rows)
        ledger.record(split, SCORING_PURPOSE, opened)
    tables.append(mask_table(ledger))
    for table in tables:
        console.print()
        console.print(to_rich(table))
    console.print()
    for run in runs:
        scores = {row["iteration"]: row["score"] for row in curves[run.name]}
        print_line(console, beside_published(run.plan.recipe, scores) or None)
        _say_what_next(run, console)
    print_line(console, f"TensorBoard: tensorboard --logdir {shown_path(runs[0].directory.parent)}")


def _say_what_next(run: RunSetup, console: Console) -> None:
    checkpoint, scores = shown_path(run.final_checkpoint), read_curves(run.directory)
    print_line(console, f"checkpoint: {checkpoint}")
    # not in the checkpoint: its recipe has the threshold that training used
    bkg = f" --bkg {scores[-1]['bkg']:.3f}" if scores else ""
    evaluate = f"python -m platform.evaluate {checkpoint}{bkg}"
    print_line(console, f"its scores in full: {evaluate} --split {run.plan.split or 'tune'}")
    print_line(console, f"its pseudo-labels: python -m platform.export {checkpoint} labels{bkg}")
    once = "on report, which no choice may have seen, once and for what is published"
    print_line(console, f"{once}: {evaluate}")
