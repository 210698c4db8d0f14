"""Everything about an evaluation that can be checked before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platform.datasets import require_masks, resolve_dataset
from platform.scoring.options import EvaluateOptions
from platform.scoring.request import ScoreRequest
from toco_core.checkpoint import Checkpoint
from toco_core.data.reader import open_dataset

PURPOSE = "evaluation"


@dataclass(frozen=True, kw_only=True)
class EvaluationSetup:
    """An evaluation that makes sense: its checkpoint fits its dataset."""

    checkpoint: Checkpoint
    request: ScoreRequest
    images: int
    bkg: float
    bkg_source: str  # where the threshold comes from, in words
    output: Path


def check_dataset(
    checkpoint: Checkpoint,
    options: EvaluateOptions,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationSetup:
    """Find the dataset, or draw it.

    Raises:
        ValueError: it is not there, lacks the split or its masks, or has other classes.
    """
    root = resolve_dataset(options.data or checkpoint.recipe.data.source, progress)
    dataset = open_dataset(root)
    require_masks(dataset, options.split)
    if dataset.info.class_names != checkpoint.class_names:
        raise ValueError(
            f"the checkpoint's classes {', '.join(checkpoint.class_names)} are not those of {root}:"
            f" {', '.join(dataset.info.class_names)}; name its dataset by --data"
        )
    in_split = dataset.info.splits[options.split].images
    given = options.bkg is not None
    return EvaluationSetup(
        checkpoint=checkpoint,
        request=ScoreRequest(
            checkpoint=str(options.checkpoint.absolute()),
            dataset=root,
            split=options.split,
            purpose=PURPOSE,
            images=options.images,
            pictures=options.pictures,
        ),
        images=min(options.images or in_split, in_split),
        bkg=options.bkg if options.bkg is not None else checkpoint.recipe.thresholds.bkg,
        bkg_source="--bkg" if given else "thresholds.bkg of the checkpoint's recipe",
        output=options.output or options.checkpoint.parent / f"evaluation-{options.split}",
    )
