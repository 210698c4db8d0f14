"""A search through the platform's own loop in simulated time, with everything that it writes."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from rich.console import Console

from platform.forecast.process_memory import peak_of_this
from platform.results.events import (
    SearchEnded,
    SearchStarted,
    Sink,
    TrialProgressed,
    TrialScored,
    fan_out,
)
from platform.results.pictures import overlay
from platform.results.progress import PlainProgress
from platform.results.search_state import SearchState
from platform.results.state_file import StateFile
from platform.results.tables import TrialTables
from platform.results.tensorboard import TensorBoardSink
from platform.search.live_trials import LiveTrials
from platform.search.monitor import TrialObserver
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.simulation.controller import Simulator
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.checks import check_space
from platform.search.space.cube import Cube
from platform.search.space.spaces import load_space
from platform.search.study import default_storage, open_storage, open_study
from toco_core.settings.overrides import load_recipe

SCORES = 5
# A trial of ten minutes tells every two seconds how far it is.
PROGRESS_PER_SCORE = 60
CLASSES, BLOCKS, PICTURES = 21, 12, 4
LOSSES: Sequence[str] = ("total", "cls", "cls_aux", "ptc", "ctc", "seg", "reg")


@dataclass(frozen=True)
class Sample:
    """What a stretch of the search took.

    Attributes:
        trials: so many there were at its end.
        cpu: of this process, s a trial.
        wall: s a trial.
        megabytes: of this process, at most so far.
        kilobytes: written into the search's directory so far, a trial.
    """

    trials: int
    cpu: float
    wall: float
    megabytes: float
    kilobytes: float


def full_space() -> CheckedSpace:
    """Return the space of every setting that is searched, around a recipe of VOC."""
    recipe = load_recipe("voc_vit_b")
    return check_space(load_space("full"), recipe, depth=BLOCKS)


def simulate(directory: Path, trials: int, every: int, sampler: str = "curve") -> Iterator[Sample]:
    """Search, and yield what each stretch of `every` trials took.

    Args:
        directory: of the search; empty.
        trials: in all.
        every: trials of a stretch.
        sampler: that proposes.
    """
    space = full_space()
    sink = _sink(directory)
    start = SearchStarted(
        name="simulated",
        trials=trials,
        iterations=space.recipe.iterations,
        directory=directory,
        log_file=directory / "ray.log",
    )
    sink.handle(start)
    search = _MadeUp(space, sink)
    simulator = Simulator(
        lambda: _open(directory, space, trials, sampler, sink),
        search.curve,
        iterations=space.recipe.iterations,
        concurrent=8,
        on_score=search.tell,
    )
    last, cpu, wall = 0, time.process_time(), time.perf_counter()
    for _ in simulator.play():
        done = len(simulator.handed_out)
        if done >= last + every:
            now, clock = time.process_time(), time.perf_counter()
            spent = (now - cpu) / (done - last), (clock - wall) / (done - last)
            yield Sample(done, *spent, megabytes(), kilobytes(directory) / done)
            last, cpu, wall = done, time.process_time(), time.perf_counter()
    sink.handle(SearchEnded())


def megabytes() -> float:
    """Return the most memory that this process has had, MB."""
    return peak_of_this() / 2**20


def kilobytes(directory: Path) -> float:
    """Return what the files of a directory take, kB."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1024


def _sink(directory: Path) -> Sink:
    lines = PlainProgress(Console(file=io.StringIO()), SearchState(), time.time)
    return fan_out(TrialTables(directory), TensorBoardSink(directory), StateFile(directory), lines)


def _open(
    directory: Path, space: CheckedSpace, trials: int, sampler: str, sink: Sink
) -> LiveTrials:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    iterations = space.recipe.iterations
    study = open_study(
        open_storage(default_storage(directory)),
        "simulated",
        space,
        sampler=make_sampler(sampler, space, seed=0),
        pruner=make_pruner("halving", iterations),
    )
    observer = TrialObserver(sink, directory / "trials")
    return LiveTrials(study, space, budget=trials, iterations=iterations, observer=observer)


class _MadeUp:
    """Training that was made up: scores rise to what a configuration is worth, with some noise."""

    def __init__(self, space: CheckedSpace, sink: Sink) -> None:
        self._cube, self._sink = Cube(space), sink
        self._step = space.recipe.iterations // SCORES
        rng = np.random.default_rng(0)
        image = rng.integers(0, 256, (64, 64, 3), np.uint8)
        cam = rng.random((CLASSES - 1, 64, 64), np.float32)
        palette = [(number, 0, 0) for number in range(CLASSES)]
        self._picture = overlay(image, cam, np.zeros((64, 64), np.uint8), palette)

    def curve(self, number: int, params: Params) -> list[float | None]:
        place = np.nan_to_num(self._cube.places([params])[0], nan=0.5)
        worth = 0.6 - float(((place - 0.4) ** 2).mean())
        noise = 0.005 * np.random.default_rng(number).normal(size=SCORES)
        shares = np.arange(1, SCORES + 1) / SCORES
        return [float(score) for score in worth * (1 - np.exp(-4 * shares)) + noise]

    def tell(self, number: int, iteration: int, score: float) -> None:
        """Send the events of the training up to a score, and those of the score."""
        losses = dict.fromkeys(LOSSES, score)
        for part in range(1, PROGRESS_PER_SCORE + 1):
            done = iteration - self._step + self._step * part // PROGRESS_PER_SCORE
            self._sink.handle(
                TrialProgressed(number=number, iteration=done, losses=losses, seconds=2.0)
            )
        self._sink.handle(self._scored(number, iteration, score))

    def _scored(self, number: int, iteration: int, score: float) -> TrialScored:
        return TrialScored(
            number=number,
            iteration=iteration,
            score=score,
            aux_score=score,
            bkg=0.45,
            aux_bkg=0.45,
            curve=[score] * 101,
            class_iou=[score] * CLASSES,
            f1=0.9,
            token_similarity=[0.5] * BLOCKS,
            seconds_training=120.0,
            seconds_scoring=10.0,
            mask_reads=100,
            pictures=[self._picture] * PICTURES,
        )
