"""The options of an export. Nothing heavy is imported here: the help must come at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from platform.evaluate.options import OfficialNetwork
from platform.workers.options import EvaluationWorkers

Kind = Literal["labels", "cams", "overlays", "images"]
Format = Literal["files", "mmseg"]
Source = Literal["cam", "aux", "seg"]


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write pseudo-labels, soft CAMs and overlays of a split; no mask is opened.

    labels/NAME.png: palette PNGs at the image's size, 0 background, 1..C classes, 255 uncertain.

    cams/NAME.npz: cam, (K, H, W) float16 in 0..1, and labels, (K,) uint8, the classes of its maps.

    overlays/NAME.png: image, CAM and label side by side. images/NAME.png: the image.

    With --format mmseg, what a second model is trained on: img_dir, ann_dir, the names of both, and
    configs of mmsegmentation.

    The same command goes on with an export that was stopped.
    """

    checkpoint: Annotated[Positional[str], arg(metavar="CHECKPOINT")]
    """A training checkpoint, or a .pth file of the authors (--official). A path or URI."""
    output: Annotated[Positional[Path], arg(metavar="OUTPUT")]
    """A directory; on a cluster, one that all machines see."""
    split: str = "train"
    """The split whose images are used."""
    data: str | None = None
    """The Parquet dataset, a path or s3:// URI; by default that of the checkpoint's recipe."""
    kinds: tuple[Kind, ...] = ("labels",)
    """What to write. After OUTPUT: it takes all values that follow."""
    format: Format = "files"
    """How the files lie: a folder for each kind, or a data set for mmsegmentation of images and
    labels, with the configs of a DeepLabV3+ and a SegFormer."""
    source: Source = "cam"
    """Where labels come from: the CAM, the auxiliary CAM, or the segmentation head."""
    bkg: float | None = None
    """Background threshold of a CAM, 0..1; by default thresholds.bkg of the checkpoint's recipe,
    which is the best one on tune in best.pt of a search alone. A run of platform.train names its
    best one at its end."""
    low: float | None = None
    """With --high, in place of --bkg: background up to here, uncertain (255) up to --high."""
    high: float | None = None
    """See --low."""
    scales: tuple[float, ...] = (1.0, 1.25, 1.5)
    """Scales of the segmentation, each with the mirror image; --scales without a value: the single
    scale."""
    crf: bool = False
    """Refine the labels by a CRF."""
    all_classes: bool = False
    """Let the segmentation say classes that the image's labels do not name, as for a test set."""
    images: int | None = None
    """Only the first so many images."""
    network: Annotated[OfficialNetwork, arg(name="")] = field(default_factory=OfficialNetwork)
    workers: Annotated[EvaluationWorkers, arg(name="")] = field(default_factory=EvaluationWorkers)
