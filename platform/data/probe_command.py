"""The probe of a backbone on a dataset, from the options to a recipe to start from."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor

from platform.command_line import resolve_recipe, shown_path
from platform.data.checks import LEAST_PROBED
from platform.data.options import ProbeOptions
from platform.data.probe_advice import (
    LEAST_ITERATIONS,
    VOC_EPOCHS,
    Probed,
    changed_settings,
    remarks,
    suggested_recipe,
)
from platform.results.progress import print_line
from platform.results.task_progress import counting_progress
from platform.results.text_tables import TextTable, to_rich
from toco_core.data.reader import open_dataset
from toco_core.data.schema import DatasetInfo
from toco_core.encoder_size import PARTSCENES_VIT
from toco_core.files import replacing
from toco_core.model.backbones import build_backbone
from toco_core.model.encoder import Encoder
from toco_core.probing.classifiers import HELD_OUT, probe
from toco_core.probing.features import Features, read_features
from toco_core.settings import Recipe
from toco_core.settings.overrides import dump_recipe

SPLIT = "train"


def run_probe(options: ProbeOptions) -> int:
    """Probe, print what was found, and write the recipe; return the exit status.

    Raises:
        ValueError: there is no such dataset, backbone or file of weights.
    """
    console = Console()
    recipe = _recipe(options)
    dataset = open_dataset(options.target)
    split = dataset.split(SPLIT)
    if len(split) < LEAST_PROBED:
        raise ValueError(f"{options.target}: {len(split)} images are too few for a probe")
    encoder = Encoder(build_backbone(recipe.backbone), -1)
    size = _whole_patches(options.size or recipe.data.crop_size, max(encoder.patch_size))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = _draw(len(split), options)
    with counting_progress(console, f"{recipe.backbone.name} at {size} px") as progress:
        features = read_features(encoder.to(device), split, chosen, size, progress)
    found = _probe(features, dataset.info, len(split), size, options.seed, console)
    _show(found, recipe, len(chosen), console)
    name = Path(options.target).name or "own"
    source = str(Path(options.target).absolute()) if dataset.location.is_local else options.target
    suggested = suggested_recipe(recipe, found, name=name, source=source)
    _show_changes(recipe, suggested, found.images, console)
    _write(suggested, options, console)
    return 0


def _recipe(options: ProbeOptions) -> Recipe:
    named = [] if options.backbone is None else [f"backbone.name={options.backbone}"]
    return resolve_recipe(_recipe_name(options), named, weights=options.weights)


def _recipe_name(options: ProbeOptions) -> str:
    """Return the recipe that fits the backbone: its crop and its weights are those it can have."""
    if options.recipe is not None:
        return options.recipe
    return "partscenes" if options.backbone == PARTSCENES_VIT else "voc_vit_b"


def _whole_patches(size: int, patch: int) -> int:
    return max(size // patch, 1) * patch


def _draw(in_split: int, options: ProbeOptions) -> list[int]:
    generator = torch.Generator().manual_seed(options.seed)
    return sorted(torch.randperm(in_split, generator=generator)[: options.images].tolist())


def _probe(
    features: Features, info: DatasetInfo, images: int, size: int, seed: int, console: Console
) -> Probed:
    blocks = len(features.class_tokens)
    token_ap, patch_ap = [], []
    with counting_progress(console, "fitting classifiers") as progress:
        for block in range(blocks):
            progress(block, blocks)
            token_ap.append(_mean(probe(features.class_tokens[block], features.labels, seed)))
            patch_ap.append(_mean(probe(features.patch_maxima[block], features.labels, seed)))
        progress(blocks, blocks)
    return Probed(
        images=images,
        side=int(features.sides.median()),
        size=size,
        per_class=features.labels.sum(0).int().tolist(),
        class_names=info.class_names,
        token_ap=token_ap,
        patch_ap=patch_ap,
        similarity=features.similarity.mean(1).tolist(),
        common=features.common,
        chance=float(features.labels.mean()),
    )


def _mean(values: Tensor) -> float:
    return float(values.nanmean())


def _show(found: Probed, recipe: Recipe, probed: int, console: Console) -> None:
    rows = [
        [
            str(block),
            str(block - 1 - len(found.token_ap)),
            f"{100 * token:.1f}",
            f"{100 * patch:.1f}",
            f"{similarity:.2f}",
        ]
        for block, (token, patch, similarity) in enumerate(
            zip(found.token_ap, found.patch_ap, found.similarity, strict=True), start=1
        )
    ]
    table = TextTable(
        title="What each block knows: mean average precision of linear classifiers",
        columns=("block", "aux_layer", "class token", "patch tokens", "cosine of patch tokens"),
        rows=rows,
    )
    console.print()
    console.print(to_rich(table))
    console.print()
    held_out = round(HELD_OUT * probed)
    print_line(
        console,
        f"{probed} of {found.images} images, {held_out} of them held out; guessing gives "
        f"{100 * found.chance:.1f}; no mask was opened",
    )
    for line in remarks(found, recipe):
        print_line(console, f"note: {line}")


def _show_changes(recipe: Recipe, suggested: Recipe, images: int, console: Console) -> None:
    epochs = suggested.iterations * suggested.data.images_per_step / images
    print_line(
        console,
        f"suggested: {suggested.iterations} iterations, {epochs:.1f} epochs (VOC's are "
        f"{VOC_EPOCHS:.1f}, and fewer than {LEAST_ITERATIONS} iterations are too few); "
        f"changed from the recipe {recipe.name}:",
    )
    for key, before, after in changed_settings(recipe, suggested):
        print_line(console, f"  {key}: {before} -> {after}")


def _write(recipe: Recipe, options: ProbeOptions, console: Console) -> None:
    if options.output is None:
        print_line(console, "a recipe to start from: the same command with --output own.yaml")
        return
    title = f"# To start from: made by a probe of {recipe.backbone.name} on {options.target}\n"
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(options.output) as unfinished:
        unfinished.write_text(title + dump_recipe(recipe))
    path = shown_path(options.output.absolute())
    print_line(console, f"next: python -m platform.train --recipe {path}")
