"""From `data.source` of a recipe to a dataset; PartScenes is drawn when it is first asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from platform.command_line import EMBEDDED_DATA
from toco_core.data.partscenes.dataset import ensure_partscenes
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.data.schema import INFO_FILE
from toco_core.remote_path import Place, RemotePath
from toco_core.settings import Recipe

DRAWINGS = ("partscenes", "second_stage")  # recipes that are for PartScenes
PARTSCENES_SIDE = 64
OWN_IMAGES = "docs/data.md, On a CPU"
SHARED_CACHE = ".datasets"  # among the reports of a cluster, which all its machines see


def resolve_dataset(
    source: str,
    progress: Callable[[int, int], None] | None = None,
    *,
    shared: Place | None = None,
) -> str:
    """Return the path or URI of the dataset that a recipe names; draw PartScenes if it is that.

    Args:
        source: `partscenes`, a local path, or a URI.
        progress: is told how many pictures are drawn, of how many.
        shared: a place that all machines see, where the cache in the home of one is no help.
    """
    if source == EMBEDDED_DATA:
        if isinstance(shared, RemotePath):
            return str(_put(ensure_partscenes(progress=progress), shared / SHARED_CACHE))
        cache = shared.absolute() / SHARED_CACHE if shared else None
        return str(ensure_partscenes(cache=cache, progress=progress))
    return source if "://" in source else os.path.abspath(os.path.expanduser(source))


def _put(dataset: Path, store: RemotePath) -> RemotePath:
    """Put a dataset into a directory of an object store, unless it is there; return where."""
    target = store / dataset.name
    there = set(target.files())
    if INFO_FILE not in there:
        files = [path for path in dataset.iterdir() if path.name != INFO_FILE]
        for path in [*files, dataset / INFO_FILE]:  # last: where it is, the rest is
            (target / path.name).upload(path)
    return target


def recipe_remarks(name: str, recipe: Recipe, dataset: str) -> list[str]:
    """Say that a recipe for drawings is about to be used on something else.

    Args:
        name: of the recipe, as it was given or is by default.
        recipe: what it is, with all changes.
        dataset: its root.

    Raises:
        ValueError: there is no such dataset.
    """
    if name not in DRAWINGS:
        return []
    source = open_dataset(dataset).info.source
    if source.startswith("PartScenes"):
        return []
    data = recipe.data
    least, most = data.scale_range
    return [
        f"note: recipe {name}, which is made for drawings of {PARTSCENES_SIDE} px: it trains on "
        f"crops of {data.crop_size} px of images at {least:g} to {most:g} times their size; "
        f"{source} may need another --recipe ({OWN_IMAGES})"
    ]


def open_for(root: str, *splits: str, masks: bool = True, way_out: str = "") -> ParquetDataset:
    """Open a dataset and require splits of it.

    Args:
        root: of the dataset.
        splits: by name.
        masks: all but `train` need one for every image.
        way_out: what the message about missing ones ends with.

    Raises:
        ValueError: the dataset, or what is needed of it, is not there.
    """
    dataset = open_dataset(root)
    for name in splits:
        if name == "train" or not masks:
            dataset.split(name)
        else:
            require_masks(dataset, name, way_out)
    return dataset


def require_masks(dataset: ParquetDataset, split: str, way_out: str = "") -> None:
    """Require a split that can be scored; the message about one that cannot ends with a way out.

    Raises:
        ValueError: there is no such split, or an image in it has no mask.
    """
    dataset.split(split)
    info = dataset.info.splits[split]
    if info.masks < info.images:
        raise ValueError(
            f"{dataset.location}: split {split} has masks for {info.masks} of {info.images} "
            f"images; scoring needs all of them{way_out}"
        )
