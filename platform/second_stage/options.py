"""The options of a second stage. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from platform.resource_ranges import Auto


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What trains: this process."""

    cpus: Annotated[float | None, arg(metavar="FLOAT")] = None
    """Threads that compute."""
    gpus: Annotated[float | None, arg(metavar="FLOAT")] = None
    """0 leaves the GPU alone; by default one is used where there is one."""
    loaders: int | Auto = "auto"
    """Data loading processes; auto is the CPUs beside a GPU less one, 12 at most, and 0 on a CPU,
    which loads between the steps."""


@dataclass(frozen=True, kw_only=True)
class SecondStageOptions:
    """Train a segmentation network on exported pseudo-labels, and score it: what they are worth.

    The network is the recipe's pretrained backbone with the LargeFOV decoder, trained by
    cross-entropy; pixels of 255 do not count. It sees the images that have labels, and no mask.

    The same command goes on with a run that was stopped. For a larger second stage, python -m
    platform.export --format mmseg writes a data set and configs for mmsegmentation.
    """

    labels: Annotated[Positional[Path | None], arg(metavar="LABELS")] = None
    """The OUTPUT of python -m platform.export, of the split train."""
    masks: bool = False
    """Train on the masks of train in place of LABELS, as an upper bound: the ledger counts them."""
    data: Annotated[str | None, arg(metavar="PATH|URI")] = None
    """The Parquet dataset of the images, a path or s3:// URI, in place of the recipe's."""
    recipe: str = "second_stage"
    """Backbone, decoder, optimiser, crop and length: second_stage is for PartScenes; voc_vit_b,
    voc_deit_b, coco_vit_b, coco_deit_b, or a YAML file. The same for all labels to compare."""
    weights: Annotated[str | None, arg(metavar="FILE|timm|embedded|random")] = None
    """Weights of the backbone, in place of the recipe's."""
    set: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="KEY=VALUE")] = ()
    """Change a setting of the recipe, such as optimiser.lr=1e-4 or iterations=400. May be given
    several times."""
    seed: Annotated[int | None, arg(metavar="INT")] = None
    """In place of the recipe's."""
    seeds: int = 1
    """Train so many times, with seed, seed + 1 ...: mean, standard deviation, interval."""
    split: str = "tune"
    """Scored once, after the last step. To choose between labels, tune; report is for the end."""
    scales: tuple[float, ...] = ()
    """Scales of the segmentation, each with the mirror image; --scales without a value: the single
    scale."""
    name: Annotated[str | None, arg(metavar="TEXT")] = None
    """Names the directory; by default second-stage and, if it is another, the recipe's name."""
    reports: Path = Path("reports")
    """Where it is."""
    resources: Annotated[Resources, arg(name="")] = Resources()
