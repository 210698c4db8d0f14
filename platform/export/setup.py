"""Everything about an export that can be checked before it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform.evaluate.network import Network
from platform.export.files import write_whole
from platform.export.options import ExportOptions
from platform.export.request import ExportRequest
from toco_core.data.schema import DatasetInfo
from toco_core.file_hash import file_hash
from toco_core.remote_files import local_file
from toco_core.settings import Recipe

SETTINGS_FILE = "export.json"


@dataclass(frozen=True, kw_only=True)
class ExportSetup:
    """An export that makes sense: its network fits its dataset, its directory is its own.

    Attributes:
        threshold: where the threshold of the CAM comes from; None where there is none.
    """

    request: ExportRequest
    images: int
    output: Path
    recipe: Recipe
    threshold: str | None
    info: DatasetInfo
    names: Sequence[str]


def check_export(
    network: Network,
    options: ExportOptions,
    progress: Callable[[int, int], None] | None = None,
) -> ExportSetup:
    """Find the dataset, or draw it, and take the directory.

    Raises:
        ValueError: the dataset is not there, lacks the split, or has other classes; the network has
            no CAMs to write; the directory holds an export with other settings.
    """
    if options.source != "seg" or set(options.kinds) & {"cams", "overlays"}:
        network.require_cams("write labels of its segmentation, --source seg --kinds labels")
    root, dataset = network.open_data(options.data, progress)
    split, info = dataset.split(options.split), dataset.info
    network.require_classes(info, root, was_named=options.data is not None)
    request = _request(network, root, options)
    chosen = _threshold_source(network, options, request)
    _take_directory(options.output, _settings(network, request, info), chosen)
    images = min(options.images or len(split), len(split))
    return ExportSetup(
        request=request,
        images=images,
        output=options.output,
        recipe=network.recipe,
        info=info,
        threshold=chosen,
        names=[split.row(index).name for index in range(images)],
    )


def _threshold_source(
    network: Network, options: ExportOptions, request: ExportRequest
) -> str | None:
    if options.low is not None:
        return "--low and --high"
    if request.bkg is None:
        return None
    return network.threshold_source if options.bkg is None else "--bkg"


def _request(network: Network, root: str, options: ExportOptions) -> ExportRequest:
    bkg = options.bkg
    if bkg is None and options.low is None and options.source != "seg":
        bkg = network.recipe.thresholds.bkg
    return ExportRequest(
        checkpoint=network.checkpoint,
        official=network.official_recipe,
        dataset=root,
        split=options.split,
        images=options.images,
        output=str(options.output.absolute()),
        kinds=("images", "labels") if options.format == "mmseg" else options.kinds,
        format=options.format,
        source=options.source,
        bkg=bkg,
        low=options.low,
        high=options.high,
        scales=options.scales,
        crf=options.crf,
        all_classes=options.all_classes,
    )


def _settings(network: Network, request: ExportRequest, info: DatasetInfo) -> dict[str, Any]:
    """Return what all files of one directory must have in common."""
    names = (
        "dataset",
        "split",
        "format",
        "source",
        "bkg",
        "low",
        "high",
        "scales",
        "crf",
        "all_classes",
    )
    settings = {name: getattr(request, name) for name in names}
    # Of an official checkpoint, the recipe is an option too: it holds crop size and CAM scales.
    return {
        "checkpoint_sha256": file_hash(local_file(network.checkpoint)),
        "recipe": network.recipe.model_dump(mode="json"),
        **settings,
        "scales": list(request.scales),
        "classes": list(info.class_names),
    }


def read_settings(path: Path) -> dict[str, Any]:
    """Read what all files of an export have in common.

    Raises:
        ValueError: it cannot be read, or is of something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is corrupt; choose another directory") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not of an export; choose another directory")
    return {"format": "files", **content}  # as before there was another


def _take_directory(output: Path, settings: dict[str, Any], threshold_from: str | None) -> None:
    path = output / SETTINGS_FILE
    if path.is_file():
        before = {"classes": settings["classes"], **read_settings(path)}  # older ones lack them
        changed = [key for key, value in settings.items() if before.get(key) != value]
        if changed:
            what = ", ".join(f"{key} (was {before.get(key)})" for key in changed if key != "recipe")
            raise ValueError(
                f"{output} holds an export with other settings: {what or 'recipe'}; choose "
                "another OUTPUT"
            )
        return
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(f"{output} is not an export of this command, and not empty")
    said = {**settings, "threshold_from": threshold_from}  # no setting: only its value must agree
    write_whole(path, (json.dumps(said, indent=2) + "\n").encode())
