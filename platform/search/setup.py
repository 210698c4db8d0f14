"""Everything about a search that can be checked before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from platform.cluster.machine import is_on_cluster
from platform.cluster.placement import Placement
from platform.cluster.shares import Demand, place
from platform.datasets import open_for, resolve_dataset
from platform.mirror.files import working_directory
from platform.resource_ranges import asked
from platform.results.events import CAM_MIOU
from platform.results.objectives import (
    OBJECTIVE_KEY,
    OBJECTIVES,
    Objective,
    find_objective,
)
from platform.search.backbone import encoder_size
from platform.search.options import Resources, SearchOptions
from platform.search.space.checked import CheckedSpace
from platform.search.study_setup import CODE, DATA
from platform.train.image_shares import group_sizes
from toco_core.cost import scoring_bytes
from toco_core.data.identity import dataset_hash
from toco_core.data.schema import DatasetInfo
from toco_core.remote_path import Place, RemotePath
from toco_core.settings import Recipe
from toco_core.source_digest import code_digest

TUNE_SPLIT, REPORT_SPLIT = "tune", "report"
_CPU_SCORERS = 2


@dataclass(frozen=True, kw_only=True)
class SearchSetup:
    """A search that makes sense: its space fits its recipe, and its dataset has what it needs."""

    name: str
    directory: Path
    space: CheckedSpace
    dataset: str
    info: DatasetInfo
    objective: Objective = OBJECTIVES[CAM_MIOU]
    content: str = ""  # digest of the dataset; empty where it was not looked at
    store: RemotePath | None = None  # where it is kept, if that is not `directory`

    @property
    def log_file(self) -> Path:
        return self.directory / "ray.log"

    @property
    def trials_directory(self) -> Place:
        return self.kept_in / "trials"

    @property
    def kept_in(self) -> Place:
        """Where every machine finds the search."""
        return self.store or self.directory

    @property
    def prefixes_directory(self) -> Path:
        return self.directory / "prefixes"

    def fingerprint(self) -> Mapping[str, object]:
        """Return what else a score depends on: sessions of one study must agree on it."""
        images = {name: split.images for name, split in self.info.splits.items()}
        content = {DATA: self.content} if self.content else {}
        return {
            OBJECTIVE_KEY: self.objective.name,
            "dataset": self.info.source,
            "classes": list(self.info.class_names),
            **{f"images of {name}": count for name, count in images.items()},
            **content,
            CODE: code_digest(),
        }


def check_dataset(
    space: CheckedSpace,
    name: str,
    options: SearchOptions,
    progress: Callable[[int, int], None] | None = None,
) -> SearchSetup:
    """Find the dataset, or draw it.

    Raises:
        ValueError: it is not there, or lacks a split or its masks.
    """
    shared = options.reports if is_on_cluster(options.resources.address) else None
    root = resolve_dataset(space.recipe.data.source, progress, shared=shared)
    directory, store = search_directory(options.reports, name)
    objective, way_out = find_objective(options.objective), "; --objective unsupervised opens none"
    setup = search_setup(directory, space, root, objective, way_out=way_out)
    return replace(setup, store=store)


def search_directory(reports: Place, name: str) -> tuple[Path, RemotePath | None]:
    """Return where a search is worked on, and the directory of the store in which it is kept."""
    if isinstance(reports, Path):
        return reports.absolute() / name, None
    return working_directory(reports / name), reports / name


def search_setup(
    directory: Path, space: CheckedSpace, root: str, objective: Objective, *, way_out: str = ""
) -> SearchSetup:
    """Return the search of a directory, which it is named after, on a dataset.

    Raises:
        ValueError: the dataset lacks a split or its masks.
    """
    splits = ("train", TUNE_SPLIT, REPORT_SPLIT)
    dataset = open_for(root, *splits, masks=objective.needs_masks, way_out=way_out)
    return SearchSetup(
        name=directory.name,
        directory=directory,
        space=space,
        dataset=root,
        info=dataset.info,
        objective=objective,
        content=dataset_hash(dataset, splits),
    )


def place_search(
    nodes: Sequence[Mapping[str, float]],
    resources: Resources,
    recipe: Recipe,
    possible: Sequence[Mapping[str, float]] = (),
) -> Placement:
    """Fit scorers and trials on the machines that are up, and those that could join.

    Raises:
        ValueError: they never fit, or the images of a step cannot be shared among the workers.
    """
    sizes = group_sizes(resources.workers, recipe)
    demand = Demand(
        workers=sizes[0],
        in_driver=resources.workers == 1,
        least_workers=sizes[-1],
        cpus=resources.cpus,
        gpus=resources.gpus,
        loaders=asked(resources.loaders),
        scorers=asked(resources.scorers),
        scorer_cpus=resources.scorer_cpus,
        scorer_gpus=asked(resources.scorer_gpus),
        scorer_bytes=scoring_bytes(recipe, encoder_size(recipe.backbone)),
        cpu_scorers=_CPU_SCORERS,
        trials=resources.concurrent,
    )
    for size in sizes[:-1]:
        try:
            return replace(place(nodes, replace(demand, workers=size), possible), sizes=sizes)
        except ValueError:  # there is no room for so many, now or later
            continue
    placement = place(nodes, replace(demand, workers=sizes[-1]), possible)
    return replace(placement, sizes=sizes if len(sizes) > 1 else ())
