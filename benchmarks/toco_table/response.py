"""What each setting does on the embedded data, by the model of learning curves of a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import optuna
from matplotlib.axes import Axes
from numpy.typing import NDArray
from optuna.trial import TrialState, create_trial

from benchmarks.toco_table.configurations import params_of, table_space
from benchmarks.toco_table.table import Row
from platform.report.figures.axis import ParameterAxis
from platform.report.figures.style import DOT, OTHER, PAPER, RECIPE, WIDE, WINNER, panels, styled
from platform.search.curve.averaged import AveragedModel
from platform.search.curve.threads import one_thread
from platform.search.space.checked import CheckedSpace
from platform.search.space.cube import Cube
from platform.search.worth import NORMAL_95, Estimate, fit_trials

Array: TypeAlias = NDArray[np.float64]

_GRID = 41
_COLUMNS, _HEIGHT, _DPI = 3, 190, 160


class Slice(NamedTuple):
    """What configurations are worth where one setting alone leaves the recipe.

    Attributes:
        axis: of the setting.
        x: its values, (G,).
        worth: CAM mIoU at the end, (G,).
        half: of the 95 % interval, (G,).
        best: the value of the highest worth.
        gain: what the best value leads the recipe by.
    """

    axis: ParameterAxis
    x: Array
    worth: Array
    half: Array
    best: float
    gain: Estimate


def slices(rows: Sequence[Row]) -> list[Slice]:
    """Return the slice of every setting of the table.

    Raises:
        ValueError: there are too few trainings for a model.
    """
    space = table_space()
    fitted = fit_trials(as_study(rows, space), space)
    if fitted is None:
        raise ValueError(f"{len(rows)} trainings are too few for the model of learning curves")
    with one_thread():
        return [_slice(fitted.model, space, column) for column in range(len(space.distributions))]


def _slice(model: AveragedModel, space: CheckedSpace, column: int) -> Slice:
    cube, parameter = Cube(space), space.space.parameters[column]
    axis = ParameterAxis(parameter, parameter.key)
    grid, x = axis.grid(_GRID)
    origin = cube.places([space.starting_points()[0]])  # (1, P)
    places = np.repeat(origin, len(grid), axis=0)
    places[:, column] = grid
    features = cube.features(places)
    worth, sd = model.worth(features)
    best = int(worth.argmax())
    (lead,), (spread,) = model.lead(features[best : best + 1], cube.features(origin)[0])
    gain = Estimate(float(lead), NORMAL_95 * float(spread))
    return Slice(axis, x, worth, NORMAL_95 * sd, float(x[best]), gain)


def as_study(rows: Sequence[Row], space: CheckedSpace) -> optuna.Study:
    """Return the table as a study whose trials have all run to their end."""
    study = optuna.create_study(direction="maximize")
    for row in rows:
        scores = dict(zip(row["iterations"], row["miou"], strict=True))
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=row["miou"][-1],
                params=params_of(row),
                distributions=space.distributions,
                intermediate_values=scores,
            )
        )
    return study


def draw(rows: Sequence[Row], found: Sequence[Slice], path: Path) -> None:
    """Draw the slices, with a dot for the last score of every training.

    Args:
        rows: of the table.
        found: its slices.
        path: of a PNG or SVG.
    """
    recipe = table_space().starting_points()[0]
    with styled("toco_table"):
        figure, places = panels(WIDE, len(found), _HEIGHT, columns=_COLUMNS)
        for axes, one in zip(places, found, strict=True):
            _draw_slice(axes, one)
            key = one.axis.parameter.key
            ends = [100 * row["miou"][-1] for row in rows]
            axes.scatter([row[key] for row in rows], ends, s=DOT * 0.4, color=OTHER, linewidths=0)
            axes.axvline(float(recipe[key]), color=RECIPE, linewidth=0.9, linestyle=":")
            one.axis.along_x(axes)
        for axes in places[::_COLUMNS]:
            axes.set_ylabel("CAM mIoU, %")
        figure.savefig(path, dpi=_DPI, facecolor=PAPER)


def _draw_slice(axes: Axes, one: Slice) -> None:
    ends = 100 * (one.worth - one.half), 100 * (one.worth + one.half)
    axes.fill_between(one.x, *ends, color=WINNER, alpha=0.16, linewidth=0)
    axes.plot(one.x, 100 * one.worth, color=WINNER)
