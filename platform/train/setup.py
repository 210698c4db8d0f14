"""Everything about a training run that can be checked before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platform.cluster.machine import is_on_cluster
from platform.datasets import open_for, require_masks, resolve_dataset
from platform.mirror.files import working_directory
from platform.results.curves import read_curves
from platform.results.parameters import ParameterValue
from platform.results.tables import read_trials
from platform.train.loss_log import LOSSES_FILE
from platform.train.options import TrainOptions
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import find_resume_point, require_same_settings
from toco_core.checkpoint import Checkpoint, load_checkpoint
from toco_core.model.toco import build_model
from toco_core.remote_path import Place, RemotePath
from toco_core.settings import Recipe
from toco_core.settings.keys import changed_settings, get_value
from toco_core.settings.overrides import load_recipe, recipe_names

NO_SPLIT = "none"
FINAL_CHECKPOINT = "checkpoint.pt"
CHECKPOINTS = "checkpoints"  # those on the way there


@dataclass(frozen=True, kw_only=True)
class RunSetup:
    """A run that makes sense: its recipe, its dataset, and its directory."""

    name: str
    directory: Path
    plan: RunPlan
    params: dict[str, ParameterValue]  # its split, and what is not as in the package's recipe
    store: RemotePath | None = None  # where it is kept, if that is not `directory`

    @property
    def log_file(self) -> Path:
        return self.directory / "ray.log"

    @property
    def final_checkpoint(self) -> Path:
        return self.directory / FINAL_CHECKPOINT

    @property
    def checkpoints(self) -> Place:
        return self.plan.checkpoints if self.store is None else self.store / CHECKPOINTS

    def checkpoint(self) -> Checkpoint | None:
        """Load the checkpoint that the run would go on from, or its final one.

        Raises:
            ValueError: it is of a run with other settings.
        """
        if self.final_checkpoint.is_file():
            checkpoint = load_checkpoint(self.final_checkpoint)
        else:
            checkpoint = find_resume_point(self.plan.checkpoints, self.plan.unscored).checkpoint
        if checkpoint is not None:
            require_same_settings(checkpoint, self.plan.recipe, self.directory)
        return checkpoint


def check_runs(
    recipes: Mapping[str, Recipe],
    options: TrainOptions,
    progress: Callable[[int, int], None] | None = None,
    stores: Mapping[str, RemotePath] | None = None,
) -> list[RunSetup]:
    """Find the dataset, or draw it, and look at what is in the directories of the runs.

    Args:
        recipes: of each run by the run's name.
        options: of the command.
        progress: is told how far the embedded dataset is drawn, if it has to be.
        stores: where the runs are kept, by their names, if that is an object store.

    Raises:
        ValueError: the dataset is not there, or lacks a split or its masks; a directory is taken.
    """
    source = next(iter(recipes.values())).data.source
    shared = options.reports if is_on_cluster(options.workers.address) else None
    root = resolve_dataset(source, progress, shared=shared)
    dataset = open_for(root, "train")
    split = None if options.split == NO_SPLIT else options.split
    if split is not None:
        require_masks(dataset, split)
    runs = [
        _setup(name, recipe, root, split, options, (stores or {}).get(name))
        for name, recipe in recipes.items()
    ]
    for run in runs:
        _require_no_search(run.directory)
        _require_same_split(run)
    require_network(runs, dataset.info.num_classes)
    return runs


def require_network(runs: Sequence[RunSetup], num_classes: int) -> None:
    """Refuse, before a run leaves anything behind, a network that its first step would fail on.

    Args:
        runs: of one recipe with several seeds.
        num_classes: of the dataset, without background.

    Raises:
        ValueError: a directory holds a run of other settings; or the weights of the backbone are
            not to be had, or it does not fit the crop.
    """
    begun = [run.checkpoint() is not None for run in runs]
    if not any(begun):
        build_model(runs[0].plan.recipe, num_classes)


def _setup(
    name: str,
    recipe: Recipe,
    dataset: str,
    split: str | None,
    options: TrainOptions,
    store: RemotePath | None,
) -> RunSetup:
    directory = run_directory(options.reports, name)
    # The main rank writes it, wherever it is.
    is_shared = store is None or not is_on_cluster(options.workers.address)
    plan = RunPlan(
        recipe=recipe,
        dataset=dataset,
        split=split,
        directory=str((store or directory) / CHECKPOINTS),
        loss_log=str(directory / LOSSES_FILE) if is_shared else None,
        scored=frozenset(row["iteration"] for row in read_curves(directory)),
    )
    params = _params(recipe, split)
    return RunSetup(name=name, directory=directory, plan=plan, params=params, store=store)


def run_directory(reports: Place, name: str) -> Path:
    """Return where a run is worked on."""
    if isinstance(reports, Path):
        return reports.absolute() / name
    return working_directory(reports / name)


def _require_no_search(directory: Path) -> None:
    if (directory / "trials").is_dir():
        raise ValueError(f"{directory} holds a search: give this run another --name")


def _require_same_split(run: RunSetup) -> None:
    for row in read_trials(run.directory):
        before, now = row.params.get("split"), run.params["split"]
        if before != now:
            raise ValueError(
                f"{run.directory} was scored on split {before}, and its table cannot go on with "
                f"{now}: keep to --split {before}, or give this run another --name"
            )


def _params(recipe: Recipe, split: str | None) -> dict[str, ParameterValue]:
    """Return seed and split, and where the recipe differs from the package's of the same name."""
    base = load_recipe(recipe.name) if recipe.name in recipe_names() else Recipe()
    keys = ["seed", *(key for key in changed_settings(base, recipe) if key != "seed")]
    values = {key: get_value(recipe, key) for key in keys}
    plain = {key: v for key, v in values.items() if isinstance(v, bool | int | float | str)}
    return {"split": split or NO_SPLIT, **plain}
