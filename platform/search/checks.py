"""What can be checked of a search's options before torch is imported, which takes seconds."""

from __future__ import annotations

from platform.cluster.machine import is_on_cluster
from platform.cluster.node_types import read_node_types
from platform.command_line import check_name, recipe_to_train
from platform.option_ranges import check_at_least, check_between, check_positive
from platform.resource_ranges import check_resources
from platform.results.objectives import OBJECTIVES, find_objective
from platform.results.tracker_packages import check_trackers
from platform.search.backbone import backbone_depth, encoder_size
from platform.search.options import Resources, SearchOptions
from platform.search.pairing import check_pairing, check_several
from platform.search.space.checked import CheckedSpace
from platform.search.space.checks import check_space
from platform.search.space.spaces import load_space
from platform.statistics.seeds import MOST_SEEDS
from toco_core.remote_path import RemotePath
from toco_core.settings.patches import require_patches

EMBEDDED = "partscenes"


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


def _default_name(recipe: str, space: str) -> str:
    return recipe if recipe == space else f"{recipe}-{space}"
