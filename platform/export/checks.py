"""What can be said of an export from its options alone, in a moment and without torch."""

from __future__ import annotations

from platform.command_line import require_local
from platform.evaluate.checks import check_checkpoint, check_scales, official_recipe
from platform.export.options import ExportOptions
from platform.option_ranges import check_at_least, check_between
from platform.resource_ranges import check_resources
from toco_core.crf_package import require_crf
from toco_core.settings import Recipe


def check_options(options: ExportOptions) -> Recipe | None:
    """Refuse what cannot be; return the recipe of an official checkpoint.

    Raises:
        ValueError: names the option, its value and what it may be.
    """
    thresholds = {name: getattr(options, name) for name in ("bkg", "low", "high")}
    check_between(0, 1, **thresholds)
    _check_choice_of_thresholds(options)
    check_at_least(1, images=options.images)
    check_scales(options.scales)
    check_resources(options.workers)
    if not options.kinds:
        raise ValueError("--kinds needs one of labels, cams, overlays, images")
    if options.format == "mmseg" and options.kinds != ("labels",):
        raise ValueError("--format mmseg writes images and labels: leave out --kinds")
    if options.source == "seg" and any(value is not None for value in thresholds.values()):
        raise ValueError("--bkg, --low and --high are thresholds of a CAM, not of --source seg")
    if options.all_classes and options.source != "seg":
        raise ValueError("--all-classes is for --source seg: a CAM needs the image's labels")
    if options.crf:
        require_crf()
    require_local(OUTPUT=options.output)
    check_checkpoint(options.checkpoint)
    return official_recipe(options.network, options.data)


def _check_choice_of_thresholds(options: ExportOptions) -> None:
    low, high = options.low, options.high
    if (low is None) != (high is None):
        raise ValueError("--low and --high only work together: give both or neither")
    if low is not None and high is not None:
        if options.bkg is not None:
            raise ValueError("--bkg and --low/--high exclude each other")
        if not low < high:
            raise ValueError(f"--low {low} must be below --high {high}")
