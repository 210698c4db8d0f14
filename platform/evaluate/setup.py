"""Everything about an evaluation that can be checked before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform.datasets import require_masks
from platform.evaluate.network import Network
from platform.evaluate.options import EvaluateOptions
from platform.workers.requests import ScoreRequest, SegmentationRequest
from toco_core.scoring.cam_score import CamEdges
from toco_core.scoring.segmentation_score import Method

CAM_PURPOSE, SEGMENTATION_PURPOSE = "evaluation", "segmentation"


@dataclass(frozen=True, kw_only=True)
class EvaluationSetup:
    """An evaluation that makes sense: its network fits its dataset."""

    network: Network
    dataset: str
    split: str
    images: int
    class_names: tuple[str, ...]  # background first
    cam: ScoreRequest | None
    segmentation: SegmentationRequest | None
    bkg: float
    bkg_source: str  # where the threshold comes from, as the table shows it
    output: Path


def check_dataset(
    network: Network,
    options: EvaluateOptions,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationSetup:
    """Find the dataset, or draw it.

    Raises:
        ValueError: it is not there, lacks the split or its masks, or has other classes; the network
            has no CAMs to score.
    """
    if "cam" in options.tasks:
        network.require_cams("score its segmentation alone, --tasks seg")
    root, dataset = network.open_data(options.data, progress)
    require_masks(dataset, options.split)
    network.require_classes(dataset.info, root, was_named=options.data is not None)
    in_split = dataset.info.splits[options.split].images
    bkg = network.recipe.thresholds.bkg if options.bkg is None else options.bkg
    return EvaluationSetup(
        network=network,
        dataset=root,
        split=options.split,
        images=min(options.images or in_split, in_split),
        class_names=("background", *dataset.info.class_names),
        cam=_cam_request(network, root, options, bkg) if "cam" in options.tasks else None,
        segmentation=_segmentation_request(network, root, options)
        if "seg" in options.tasks
        else None,
        bkg=bkg,
        bkg_source=network.threshold_source if options.bkg is None else "--bkg",
        output=options.output or Path(options.checkpoint).parent / f"evaluation-{options.split}",
    )


def _cam_request(network: Network, root: str, options: EvaluateOptions, bkg: float) -> ScoreRequest:
    edges = CamEdges(bkg=bkg, boundary=options.boundary, hausdorff=options.hausdorff)
    return ScoreRequest(
        **_shared(network, root, options),
        purpose=CAM_PURPOSE,
        edges=edges if options.boundary or options.hausdorff else None,
    )


def _segmentation_request(
    network: Network, root: str, options: EvaluateOptions
) -> SegmentationRequest:
    return SegmentationRequest(
        **_shared(network, root, options),
        purpose=SEGMENTATION_PURPOSE,
        method=Method(scales=options.scales, crf=options.crf),
        boundary=options.boundary,
        hausdorff=options.hausdorff,
    )


def _shared(network: Network, root: str, options: EvaluateOptions) -> dict[str, Any]:
    """Return what the workers are told whatever they score."""
    return {
        "checkpoint": network.checkpoint,
        "official": network.official_recipe,
        "dataset": root,
        "split": options.split,
        "images": options.images,
        "pictures": options.pictures,
    }
