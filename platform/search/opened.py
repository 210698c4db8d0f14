"""A search that was begun earlier, opened by its directory alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna

from platform.command_line import RECIPE_FILE, resolve_recipe
from platform.datasets import resolve_dataset
from platform.results.objectives import find_objective
from platform.search.backbone import backbone_depth
from platform.search.setup import SearchSetup, search_setup
from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.space.spaces import load_space
from platform.search.space.writing import dump_space
from platform.search.study import default_storage, objective_of, open_storage
from toco_core.files import replacing

SPACE_FILE = "space.yaml"


@dataclass(frozen=True, kw_only=True)
class OpenedSearch:
    """What a search is about, and its record; the search itself may still run elsewhere."""

    setup: SearchSetup
    study: optuna.Study


def write_space(setup: SearchSetup) -> None:
    """Write down what is searched, so that the directory says it without the command."""
    with replacing(setup.directory / SPACE_FILE) as unfinished:
        unfinished.write_text(dump_space(setup.space.space))


def open_search(
    directory: Path,
    *,
    study: str | None = None,
    data: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> OpenedSearch:
    """Open a search, finished or not, to look at it.

    Args:
        directory: such as `reports/partscenes`.
        study: Optuna storage URL, where the search was given one.
        data: the dataset, where it is no longer at the place that the recipe names.
        progress: is told how far the embedded dataset is drawn, if it has to be.

    Raises:
        ValueError: there is no search in the directory, or its record or its dataset are gone.
    """
    space, place = read_space(directory, data), directory.absolute()
    found = _open_study(place, study)
    objective = find_objective(objective_of(found))
    root = resolve_dataset(space.recipe.data.source, progress)
    return OpenedSearch(setup=search_setup(place, space, root, objective), study=found)


def read_space(directory: Path, data: str | None = None) -> CheckedSpace:
    """Read recipe and space of a search.

    Raises:
        ValueError: there is no search in the directory.
    """
    if not (directory / RECIPE_FILE).is_file() or not (directory / "trials.parquet").is_file():
        raise ValueError(
            f"{directory}: there is no search: name its directory, such as reports/partscenes"
        )
    if not (directory / SPACE_FILE).is_file():
        raise ValueError(
            f"{directory} has no {SPACE_FILE}: it is a run of platform.train, or a search of an "
            "earlier version; the command of that search writes it, and trains nothing if it is "
            "over"
        )
    recipe = resolve_recipe(str(directory / RECIPE_FILE), [], data=data)
    space = load_space(str(directory / SPACE_FILE))
    return check_space(space, recipe, backbone_depth(recipe.backbone))


def _open_study(directory: Path, url: str | None) -> optuna.Study:
    journal = default_storage(directory)
    if url is None and not Path(journal).is_file():
        raise ValueError(f"{directory} has no {Path(journal).name}: give the --study of its search")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.load_study(study_name=directory.name, storage=open_storage(url or journal))
    except KeyError:
        raise ValueError(f"{url or journal} has no study of the name {directory.name!r}") from None
