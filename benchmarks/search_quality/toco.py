"""ToCo itself as a task: the CAM mIoU of any configuration on the embedded data, by its table."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from benchmarks.search_quality.world import Array, StartedSpace
from benchmarks.toco_table.configurations import params_of, table_space
from benchmarks.toco_table.table import Row, read_rows
from platform.search.space.checked import Params
from platform.search.space.cube import Cube
from platform.search.space.parameters import Value

TASK = "toco"
_LEAST = 20  # configurations
_ROOM = 0.05  # above the best score: where the scale that the surrogate sees would be infinite


class ToCoTable:
    """A Gaussian process of scikit-learn over the mean curves of the table's configurations.

    It sees -log(top - mIoU), on which the few trainings that learn nothing do not drown the others,
    and knows nothing of the model by which the platform searches.

    Args:
        path: of the table.

    Raises:
        ValueError: there is no such file, or there are too few trainings in it.
    """

    tasks = (TASK,)

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ValueError(f"--data {path}: there is no such file")
        self._path, self._table = path, table_space()
        curves = _mean_curves(read_rows(path))
        if len(curves) < _LEAST:
            raise ValueError(f"--data {path}: {len(curves)} configurations, {_LEAST} are needed")
        self._features = self._cube.places([params for params, _ in curves])  # (N, P)
        self._curves = np.array([curve for _, curve in curves])  # (N, S)
        self._top = float(self._curves.max()) + _ROOM

    @cached_property
    def _cube(self) -> Cube:
        return Cube(self._table)

    @property
    def iterations(self) -> int:
        """Of a whole training; its last score is there."""
        return self._table.recipe.iterations

    def space(self, *, published: bool) -> StartedSpace:
        """Return the table's space; what is published is its recipe and the known ones."""
        table = self._table
        starts = tuple(table.starting_points()) if published else ()
        return StartedSpace(table.space, table.recipe, table.depth, starts)

    def accuracy(
        self, task: str, configurations: Sequence[Mapping[str, Value]], iterations: Sequence[int]
    ) -> Array:
        """Return the CAM mIoU of N configurations after S iterations, (N, S).

        Raises:
            ValueError: the table has no score so early.
        """
        scores = self._curves.shape[1]
        places = scores * np.array(iterations) / self.iterations - 1  # (S,), may lie between two
        if places.min() < -1e-9:
            raise ValueError(
                f"{self._path} has {scores} scores a training: name conditions with s5"
            )
        at = self._cube.places([dict(one) for one in configurations])
        curves = self._top - np.exp(-np.asarray(self._fitted.predict(at)))  # (N, scores)
        return np.array([np.interp(places, np.arange(scores), curve) for curve in curves])

    @cached_property
    def _fitted(self) -> GaussianProcessRegressor:
        lengths: Any = np.full(self._features.shape[1], 0.6)  # scikit-learn says: a float
        kernel = ConstantKernel() * Matern(lengths, (0.1, 100.0), nu=2.5) + WhiteKernel(0.01)
        made: Any = GaussianProcessRegressor(kernel, normalize_y=True)
        with warnings.catch_warnings():  # of a length at its bound: that setting does nothing
            warnings.simplefilter("ignore", ConvergenceWarning)
            return made.fit(self._features, -np.log(self._top - self._curves))


def _mean_curves(rows: Sequence[Row]) -> list[tuple[Params, Array]]:
    """Return each configuration with the mean of its seeds' curves, (S,)."""
    by_number: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if not row["failed"]:
            by_number[row["configuration"]].append(row)
    return [
        (params_of(seeds[0]), np.mean([row["miou"] for row in seeds], axis=0))
        for _, seeds in sorted(by_number.items())
    ]
