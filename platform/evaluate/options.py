"""The options of an evaluation. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from platform.workers.options import EvaluationWorkers

Task = Literal["cam", "seg"]


@dataclass(frozen=True, kw_only=True)
class OfficialNetwork:
    """For a .pth file of the authors, which holds weights and nothing else."""

    official: bool = False
    """The checkpoint is a .pth file that the authors have released."""
    recipe: str | None = None
    """Its recipe: voc_vit_b, voc_deit_b, coco_vit_b, coco_deit_b, or a YAML file."""
    set: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="KEY=VALUE")] = ()
    """Change a setting of that recipe. May be given several times."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Score a checkpoint: mIoU and IoU of every class of its CAMs and of its segmentation head.

    Also F1 of the image labels, token similarity, and pictures.
    """

    checkpoint: Annotated[Positional[str], arg(metavar="CHECKPOINT")]
    """A training checkpoint, such as best.pt of a search or checkpoint.pt of a run; or a .pth file
    of the authors (--official). A path or URI (s3://, gs://)."""
    split: str = "report"
    """The split to score on: report is the one that no search has looked at."""
    data: str | None = None
    """The Parquet dataset, a path or s3:// URI; by default that of the checkpoint's recipe."""
    tasks: tuple[Task, ...] = ("cam", "seg")
    """What is scored: the CAMs, the segmentation head. Of a second stage, seg. After CHECKPOINT: it
    takes all values that follow."""
    bkg: float | None = None
    """Background threshold, 0..1; by default thresholds.bkg of the checkpoint's recipe. The best
    one of a search is in its best.pt; one chosen on the split itself flatters the score."""
    scales: tuple[float, ...] = (1.0, 1.25, 1.5)
    """Scales of the segmentation, each with the mirror image; --scales without a value scores the
    single scale only."""
    crf: bool = False
    """Score the segmentation after a CRF too: seconds for each image of VOC."""
    boundary: bool = False
    """Score the boundary IoU of each class too (Cheng et al. 2021): where the edges run."""
    hausdorff: bool = False
    """Measure the 95 % Hausdorff distance of each class too, px: how far the edges are off."""
    images: int | None = None
    """Score only the first so many images."""
    pictures: int = 8
    """Draw the CAMs and segmentations of the first so many images."""
    output: Path | None = None
    """Where to put tables and pictures; by default evaluation-<split> beside the checkpoint,
    which must then be on this machine."""
    network: Annotated[OfficialNetwork, arg(name="")] = OfficialNetwork()
    workers: Annotated[EvaluationWorkers, arg(name="")] = field(default_factory=EvaluationWorkers)
