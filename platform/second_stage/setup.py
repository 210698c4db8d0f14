"""Everything about a second stage that can be checked before it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from platform.datasets import open_for, require_masks
from platform.results.parameters import ParameterValue
from platform.second_stage.checks import default_name
from platform.second_stage.exported import SPLIT, in_words, read_export
from platform.second_stage.options import SecondStageOptions
from platform.train.plan import RunPlan
from platform.train.setup import NO_SPLIT, RunSetup, require_network
from toco_core.data.identity import dataset_hash
from toco_core.data.reader import ParquetDataset
from toco_core.files import replacing
from toco_core.settings import Recipe
from toco_core.supervised.labels import Labels, SplitMasks

LABELS_FILE = "labels.json"  # what all runs of a directory are trained on
RUN_DIRECTORY = "seed-{seed}"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class SecondStageSetup:
    """A second stage that makes sense: its labels fit its dataset, its directory is its own.

    Attributes:
        runs: one of each seed.
        trained_on: the labels in words.
        masks: whether they are the dataset's own.
        split: that is scored.
    """

    name: str
    directory: Path
    runs: Mapping[int, RunSetup]
    labels: Labels
    trained_on: str
    masks: bool
    dataset: str
    split: str
    class_names: tuple[str, ...]  # background first
    scales: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    labels: Labels
    words: str
    identity: dict[str, str]  # equal only for the same labels of the same images


def check_second_stage(
    recipes: Mapping[int, Recipe],
    options: SecondStageOptions,
    root: str,
    reading: Progress | None = None,
) -> SecondStageSetup:
    """Look at dataset and labels, and take the directory.

    Args:
        recipes: by seed, as `check_options` returns them.
        options: of the command.
        root: of the dataset.
        reading: is told how many labels are read.

    Raises:
        ValueError: the dataset lacks a split or its masks, the labels are not of its images, or the
            directory holds something else.
    """
    dataset = open_for(root, SPLIT)
    require_masks(dataset, options.split)
    chosen = _masks(dataset) if options.masks else _exported(dataset, options, reading)
    name = options.name or default_name(next(iter(recipes.values())))
    directory = options.reports.absolute() / name
    runs = {seed: _run(name, directory, one, root) for seed, one in recipes.items()}
    require_network(list(runs.values()), dataset.info.num_classes)
    _take_directory(directory, {"dataset_hash": dataset_hash(dataset), **chosen.identity})
    return SecondStageSetup(
        name=name,
        directory=directory,
        runs=runs,
        labels=chosen.labels,
        trained_on=chosen.words,
        masks=options.masks,
        dataset=root,
        split=options.split,
        class_names=("background", *dataset.info.class_names),
        scales=options.scales,
    )


def _masks(dataset: ParquetDataset) -> _Chosen:
    found = dataset.info.splits[SPLIT]
    if found.masks < found.images:
        raise ValueError(
            f"{dataset.location}: split {SPLIT} has masks for {found.masks} of {found.images} "
            "images, and --masks needs all; python -m platform.data writes no mask of own images, "
            "VOC or COCO into train, which is for weak supervision: train on exported LABELS"
        )
    images = dataset.info.splits[SPLIT].images
    return _Chosen(
        labels=SplitMasks(images),
        words=f"the masks of all {images} images of {SPLIT}: an upper bound, no weak supervision",
        identity={"labels": "masks"},
    )


def _exported(
    dataset: ParquetDataset, options: SecondStageOptions, reading: Progress | None
) -> _Chosen:
    assert options.labels is not None, "LABELS or --masks, as the options were checked"
    split = dataset.split(SPLIT)
    exported = read_export(options.labels, split, reading)
    return _Chosen(
        labels=exported.files,
        words=in_words(exported, len(split), dataset.info),
        identity={"labels": exported.survey.sha256},
    )


def _run(name: str, directory: Path, recipe: Recipe, root: str) -> RunSetup:
    own = directory / RUN_DIRECTORY.format(seed=recipe.seed)
    plan = RunPlan(recipe=recipe, dataset=root, split=None, directory=str(own / "checkpoints"))
    params: dict[str, ParameterValue] = {"split": NO_SPLIT, "seed": recipe.seed}
    return RunSetup(name=f"{name}, seed {recipe.seed}", directory=own, plan=plan, params=params)


def _take_directory(directory: Path, identity: Mapping[str, str]) -> None:
    path = directory / LABELS_FILE
    if path.is_file():
        try:
            before = json.loads(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} is corrupt; choose another --name") from error
        if before != identity:
            raise ValueError(
                f"{directory} holds a second stage on other labels or images: go back to those, or "
                "choose another --name"
            )
        return
    if directory.is_dir() and any(directory.iterdir()):
        raise ValueError(f"{directory} is no second stage, and not empty: choose another --name")
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(identity, indent=2) + "\n")
