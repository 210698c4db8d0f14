"""What the model sees of a search: a row for each trial and interval of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.curve.scaling import ScoreScale, warp_progress

Array: TypeAlias = NDArray[np.float64]

# Ends of the intervals of progress within which scores are averaged: narrow where curves rise,
# and at the end, where what a mean of rising scores is too low by would be missing from the worth.
INTERVALS = np.array([4, 6, 12, 18, 34, 48, 52]) / 52
NO_TRIAL = -1

# Rows of a fit and of a posterior, whose times grow with their cube.
MAX_ROWS = 420


@dataclass(frozen=True)
class Observed:
    """The scores of one trial so far.

    Attributes:
        number: of the trial.
        features: of its configuration, (D,).
        progress: at its scores, shares of a whole training in (0, 1], rising, (S,).
        scores: the higher the better, (S,).
        running: whether more scores are to come.
        failed: whether it broke, which says that the configuration is bad.
    """

    number: int
    features: Array
    progress: Array
    scores: Array
    running: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Inputs:
    """Points of the process.

    Attributes:
        x: features of the configuration, (N, D).
        t: warped progress, (N,).
        trial: its number, or NO_TRIAL for a configuration by itself, (N,).
    """

    x: Array
    t: Array
    trial: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.t)

    def joined(self, other: Inputs) -> Inputs:
        """Return these points and those of another set."""
        return Inputs(
            np.concatenate([self.x, other.x]),
            np.concatenate([self.t, other.t]),
            np.concatenate([self.trial, other.trial]),
        )


@dataclass(frozen=True)
class Rows:
    """Means of scores at points of the process.

    Attributes:
        at: the N points.
        y: mean score in the scale's units, (N,).
        count: how many scores it is the mean of, (N,).
    """

    at: Inputs
    y: Array
    count: Array

    def __len__(self) -> int:
        return len(self.y)


def configurations_at_end(features: Array) -> Inputs:
    """Return the points of configurations by themselves at the end of training."""
    count = len(features)
    return Inputs(features, np.ones(count), np.full(count, NO_TRIAL, np.int64))


def trials_at_end(trials: Sequence[Observed]) -> Inputs:
    """Return the points of these very trials, seeds included, at the end of training."""
    numbers = np.array([trial.number for trial in trials], np.int64)
    return Inputs(np.stack([trial.features for trial in trials]), np.ones(len(trials)), numbers)


def make_rows(trials: Sequence[Observed], scale: ScoreScale, limit: int = MAX_ROWS) -> Rows:
    """Average the scores of each trial within the intervals of progress.

    A failed trial has one row: the worst score of all, at the end. Where there would be more than
    `limit` rows, half of them are left to the trials with the best last scores; of the others every
    second, third ... is kept, by its last row.
    """
    scored = [trial for trial in trials if len(trial.scores) and not trial.failed]
    worst = min(float(trial.scores.min()) for trial in scored)
    failed = [_failed(trial, worst) for trial in trials if trial.failed]
    parts = _means(scored)
    if sum(map(len, parts)) + len(failed) > limit:
        parts = _thinned(parts, limit - min(len(failed), limit // 4))
        failed = failed[-(limit // 4) :]
    flat = [row for part in parts for row in part] + failed
    x, t, number, y, count = (np.array(column) for column in zip(*flat, strict=True))
    return Rows(Inputs(x, t.astype(float), number.astype(np.int64)), scale(y), count.astype(float))


_Row: TypeAlias = tuple[Array, float, int, float, int]  # features, time, trial, mean, count


def _means(trials: Sequence[Observed]) -> list[list[_Row]]:
    """Return the rows of each trial; all are averaged together, since there may be thousands."""
    owner = np.repeat(np.arange(len(trials)), [len(trial.scores) for trial in trials])
    progress = np.concatenate([trial.progress for trial in trials])
    scores = np.concatenate([trial.scores for trial in trials])
    place = owner * len(INTERVALS) + np.searchsorted(INTERVALS, progress - 1e-9)
    starts = np.flatnonzero(np.diff(place, prepend=-1))  # progress rises within a trial
    counts = np.diff(starts, append=len(place))
    times = np.add.reduceat(warp_progress(progress), starts) / counts
    means = np.add.reduceat(scores, starts) / counts
    rows: list[list[_Row]] = [[] for _ in trials]
    columns = (owner[starts], times, means, counts)
    for number, time, mean, count in zip(*(one.tolist() for one in columns), strict=True):
        trial = trials[number]
        rows[number].append((trial.features, time, trial.number, mean, count))
    return rows


def _failed(trial: Observed, worst: float) -> _Row:
    return trial.features, 1.0, trial.number, worst, 1


def _thinned(parts: list[list[_Row]], limit: int) -> list[list[_Row]]:
    best: set[int] = set()
    room = limit // 2
    for place in sorted(range(len(parts)), key=lambda place: -parts[place][-1][3]):
        if len(parts[place]) > room:
            break
        best.add(place)
        room -= len(parts[place])
    others = [place for place in range(len(parts)) if place not in best]
    every = max(1, -(-len(others) // (limit - limit // 2)))  # rounded up
    kept = {*others[::every]}
    return [
        part if place in best else part[-1:]
        for place, part in enumerate(parts)
        if place in best or place in kept
    ]
