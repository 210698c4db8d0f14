"""What can be said of an evaluation from its options alone, in a moment and without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence

from platform.command_line import require_local, resolve_recipe
from platform.evaluate.options import EvaluateOptions, OfficialNetwork
from platform.option_ranges import check_at_least, check_between
from platform.resource_ranges import check_resources
from toco_core.crf_package import require_crf
from toco_core.remote_files import is_remote
from toco_core.settings import Recipe

CHECKPOINT_FILES = ("best.pt", "checkpoint.pt")  # of a search, and of a run


def check_options(options: EvaluateOptions) -> Recipe | None:
    """Refuse what cannot be; return the recipe of an official checkpoint.

    Raises:
        ValueError: names the option, its value and what it may be.
    """
    check_between(0, 1, bkg=options.bkg)
    check_at_least(1, images=options.images)
    check_at_least(0, pictures=options.pictures)
    check_scales(options.scales)
    check_resources(options.workers)
    require_local(output=options.output)
    if not options.tasks:
        raise ValueError("--tasks needs one of cam, seg")
    if options.crf and "seg" not in options.tasks:
        raise ValueError("--crf refines the segmentation: add seg to --tasks")
    if options.crf:
        require_crf()
    check_checkpoint(options.checkpoint)
    if options.output is None and is_remote(options.checkpoint):
        raise ValueError(
            f"{options.checkpoint} is not on this machine: say where the tables go (--output)"
        )
    return official_recipe(options.network, options.data)


def check_scales(scales: Sequence[float]) -> None:
    """Require scales that an image can be resized by."""
    for scale in scales:
        check_between(0.1, 8, scales=scale)


def check_checkpoint(place: str) -> None:
    """Require the file to be there; one in an object store is looked for when it is read."""
    if is_remote(place):
        return
    path = os.path.expanduser(place)
    if os.path.isfile(path):  # of any name: Path.is_file fails on one that is too long
        return
    within = [name for name in CHECKPOINT_FILES if os.path.isfile(os.path.join(path, name))]
    hint = f"; did you mean {os.path.join(place, within[0])}?" if within else ""
    raise ValueError(f"there is no checkpoint at {place}{hint}")


def official_recipe(network: OfficialNetwork, data: str | None) -> Recipe | None:
    """Return the recipe of an official checkpoint, None for a training checkpoint.

    Raises:
        ValueError: options of the one are given for the other, or there is no such recipe.
    """
    if not network.official:
        if network.recipe is not None or network.set:
            raise ValueError(
                "a training checkpoint holds its recipe: leave out --recipe and --set, or say "
                "--official for a .pth file of the authors"
            )
        return None
    if network.recipe is None:
        raise ValueError("--official needs --recipe, such as voc_vit_b: the file holds none")
    if data is None:
        raise ValueError("--official needs --data: the file does not say where its images are")
    return resolve_recipe(network.recipe, network.set, data=data)
