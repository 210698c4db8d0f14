"""From the options of the data command to the source that it writes."""

from __future__ import annotations

from platform.data.options import (
    CocoOptions,
    FolderOptions,
    PartScenesOptions,
    VocOptions,
    WriteOptions,
)
from toco_core.data.conversion.source import Source
from toco_core.data.partscenes.dataset import PartScenes, partscenes_source
from toco_core.data.sources.coco import coco_source
from toco_core.data.sources.folder import FolderPlaces, folder_source
from toco_core.data.sources.voc import voc_source
from toco_core.data.splitting import Splitting


def list_source(options: WriteOptions) -> Source:
    """List what is to be written.

    Raises:
        ValueError: the source is not there, or not what it should be.
    """
    match options:
        case PartScenesOptions():
            return partscenes_source(_scenes(options))
        case VocOptions():
            return voc_source(
                options.source, _splitting(options), options.classes, options.foreground
            )
        case CocoOptions():
            return coco_source(options.source, _splitting(options), options.year)
        case FolderOptions():
            return folder_source(
                _places(options), options.classes, _splitting(options), options.foreground
            )


def _scenes(options: PartScenesOptions) -> PartScenes:
    counts = {"train": options.train, "tune": options.tune, "report": options.report}
    return PartScenes(
        seed=options.source,
        size=options.size,
        splits={split: count for split, count in counts.items() if count},
    )


def _splitting(options: VocOptions | CocoOptions | FolderOptions) -> Splitting:
    return Splitting(tune=options.tune, report=options.report, seed=options.seed)


def _places(options: FolderOptions) -> FolderPlaces:
    masks = options.source / (options.masks or "masks")
    is_there = options.masks is not None or masks.is_dir()  # one that was asked for must be
    return FolderPlaces(
        images=options.source / options.images,
        table=options.source / options.labels,
        masks=masks if is_there else None,
    )
