"""Everything about a search that can be checked before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platform.cluster.placement import (
    DRIVER_CPUS,
    Placement,
    cpu_share,
    make_placement,
    total,
)
from platform.command_line import check_name, resolve_recipe
from platform.datasets import open_for, resolve_dataset
from platform.option_ranges import check_positive
from platform.resource_ranges import check_resources
from platform.search.options import Resources, SearchOptions
from platform.search.pairing import check_pairing
from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.space.spaces import load_space
from platform.train.image_shares import check_shares
from toco_core.data.schema import DatasetInfo
from toco_core.model.embedded_vit import PARTSCENES_DEPTH, PARTSCENES_VIT
from toco_core.settings import Backbone, Recipe

TUNE_SPLIT, REPORT_SPLIT = "tune", "report"
EMBEDDED = "partscenes"


@dataclass(frozen=True, kw_only=True)
class SearchSetup:
    """A search that makes sense: its space fits its recipe, and its dataset has what it needs."""

    name: str
    directory: Path
    space: CheckedSpace
    dataset: str
    info: DatasetInfo

    @property
    def log_file(self) -> Path:
        return self.directory / "ray.log"

    @property
    def trials_directory(self) -> Path:
        return self.directory / "trials"

    def fingerprint(self) -> Mapping[str, object]:
        """Return what else a score depends on: sessions of one study must agree on it."""
        images = {name: split.images for name, split in self.info.splits.items()}
        return {
            "dataset": self.info.source,
            "classes": list(self.info.class_names),
            **{f"images of {name}": count for name, count in images.items()},
        }


def check_options(options: SearchOptions) -> tuple[CheckedSpace, str]:
    """Check recipe and spaces against each other, in moments; return the space and a name.

    Raises:
        ValueError: what does not fit, in one line with the way out.
    """
    check_positive(trials=options.trials, hours=options.hours, gpu_hours=options.gpu_hours)
    check_resources(options.resources)
    check_pairing(options.sampler, options.pruner)
    recipe = resolve_recipe(
        options.recipe,
        options.set,
        data=options.data,
        weights=options.weights,
        seed=options.seed,
    )
    spaces = options.space or (EMBEDDED if recipe.name == EMBEDDED else "full",)
    space = check_space(load_space(*spaces), recipe, _checked_depth(recipe.backbone))
    return space, check_name(options.name or _default_name(recipe.name, space.space.name))


def _checked_depth(backbone: Backbone) -> int:
    """Return the number of blocks; refuse a backbone or weights that every trial would fail on."""
    if backbone.name == PARTSCENES_VIT and backbone.weights in ("embedded", "random"):
        return PARTSCENES_DEPTH
    from toco_core.model.backbones import build_backbone  # timm takes seconds

    return len(build_backbone(backbone).blocks)


def _default_name(recipe: str, space: str) -> str:
    return recipe if recipe == space else f"{recipe}-{space}"


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
    dataset = resolve_dataset(space.recipe.data.source, progress)
    return SearchSetup(
        name=name,
        directory=options.reports.absolute() / name,
        space=space,
        dataset=dataset,
        info=open_for(dataset, "train", TUNE_SPLIT, REPORT_SPLIT).info,
    )


def place_search(
    nodes: Sequence[Mapping[str, float]], resources: Resources, recipe: Recipe
) -> Placement:
    """Fit scorers and trials on the machines.

    Raises:
        ValueError: they never fit, or the images of a step cannot be shared among the workers.
    """
    check_shares(resources.workers, recipe)
    worker = {"CPU": _worker_cpus(nodes, resources), "GPU": resources.gpus}
    return make_placement(
        nodes,
        workers_per_trial=resources.workers if resources.workers > 1 else 0,
        worker={name: amount for name, amount in worker.items() if amount},
        scorers=resources.scorers,
        scorer={"CPU": resources.scorer_cpus, "GPU": resources.scorer_gpus},
        trials=resources.concurrent,
    )


def _worker_cpus(nodes: Sequence[Mapping[str, float]], resources: Resources) -> float:
    """Return what scorers and drivers leave of a core; as many workers run as there are cores."""
    if resources.cpus is not None:
        return resources.cpus
    cores = total(nodes, "CPU")
    drivers = cores * DRIVER_CPUS if resources.workers > 1 else 0.0
    reserved = resources.scorers * resources.scorer_cpus + drivers
    return cpu_share(nodes, cores, reserved=reserved)
