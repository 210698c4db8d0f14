"""Everything about a search that can be checked before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from platform.cluster.machine import is_on_cluster
from platform.cluster.node_types import read_node_types
from platform.cluster.placement import Placement
from platform.cluster.shares import Demand, place
from platform.command_line import check_name, recipe_to_train
from platform.datasets import open_for, resolve_dataset
from platform.mirror.files import working_directory
from platform.option_ranges import check_at_least, check_between, check_positive
from platform.resource_ranges import asked, check_resources
from platform.results.events import CAM_MIOU
from platform.results.objectives import (
    OBJECTIVE_KEY,
    OBJECTIVES,
    Objective,
    find_objective,
)
from platform.results.trackers import check_trackers
from platform.search.options import Resources, SearchOptions
from platform.search.pairing import check_pairing, check_several
from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.space.spaces import load_space
from platform.search.study_setup import CODE, DATA
from platform.statistics.seeds import MOST_SEEDS
from platform.train.image_shares import group_sizes
from toco_core.cost import scoring_bytes
from toco_core.data.identity import dataset_hash
from toco_core.data.schema import DatasetInfo
from toco_core.encoder_size import EncoderSize
from toco_core.model.embedded_vit import PARTSCENES_SIZE, PARTSCENES_VIT
from toco_core.remote_path import Place, RemotePath
from toco_core.settings import Backbone, Recipe
from toco_core.settings.patches import require_patches
from toco_core.source_digest import code_digest

TUNE_SPLIT, REPORT_SPLIT = "tune", "report"
EMBEDDED = "partscenes"
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


def check_options(options: SearchOptions) -> tuple[CheckedSpace, str]:
    """Check recipe and spaces against each other, in moments; return the space and a name.

    Raises:
        ValueError: what does not fit, in one line with the way out.
    """
    if options.json:
        raise ValueError("--json prints the --status of a search: add --status NAME")
    check_positive(
        trials=options.trials,
        hours=options.hours,
        gpu_hours=options.gpu_hours,
        stall_minutes=options.stall_minutes,
        report_every=options.report_every,
    )
    check_at_least(1, keep=options.keep)
    check_at_least(0, confirm=options.confirm)
    check_between(2, MOST_SEEDS, confirm_seeds=options.confirm_seeds)
    check_resources(options.resources)
    _check_cluster(options.resources)
    check_trackers(options.tracker)
    if isinstance(options.reports, RemotePath):
        options.reports.require_writable()
    check_pairing(options.sampler, options.pruner, learns_from_others=bool(options.learn_from))
    _check_objective(options)
    recipe = recipe_to_train(options)
    spaces = options.space or (EMBEDDED if recipe.name == EMBEDDED else "full",)
    space = check_space(load_space(*spaces), recipe, backbone_depth(recipe.backbone))
    require_patches(recipe, encoder_size(recipe.backbone).patch)
    return space, check_name(options.name or _default_name(recipe.name, space.space.name))


def _check_objective(options: SearchOptions) -> None:
    if "seg_miou" in options.objective.split(","):
        raise ValueError(
            "--objective seg_miou: a search scores CAMs; the segmentation head is scored image by "
            f"image at its own size, which takes many times as long. Choose one of "
            f"{', '.join(OBJECTIVES)}, and score the winner's by python -m platform.evaluate"
        )
    try:
        objective = find_objective(options.objective)
    except ValueError as error:
        raise ValueError(f"--objective {options.objective}: {error}") from None
    if objective.others:
        check_several(options.sampler, options.pruner)
        if options.confirm:
            raise ValueError(
                "--confirm compares by one objective: leave it out, or name one --objective"
            )
        if options.learn_from:
            raise ValueError(
                "--learn-from learns of one objective: leave it out, or name one --objective"
            )


def _check_cluster(resources: Resources) -> None:
    if resources.cluster is None:
        return
    if not is_on_cluster(resources.address):
        raise ValueError("--cluster describes a running cluster: give its --address too")
    read_node_types(resources.cluster)


def backbone_depth(backbone: Backbone) -> int:
    """Return the number of blocks; refuse a backbone or weights that every trial would fail on."""
    if backbone.name == PARTSCENES_VIT and backbone.weights in ("embedded", "random"):
        return PARTSCENES_SIZE.depth
    from toco_core.model.backbones import build_backbone  # timm takes seconds

    return len(build_backbone(backbone).blocks)


def encoder_size(backbone: Backbone) -> EncoderSize:
    """Return the sizes of a backbone, where possible without torch."""
    if backbone.name == PARTSCENES_VIT:
        return PARTSCENES_SIZE
    from toco_core.model.backbones import backbone_size  # timm takes seconds

    return backbone_size(backbone.name)


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
