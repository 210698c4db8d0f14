"""`--preflight`: the largest configuration is measured before hours are spent on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from rich.console import Console

from platform.cluster.gpu_kinds import UNKNOWN
from platform.cluster.placement import Placement
from platform.forecast.host_memory import host_use
from platform.forecast.lines import spell
from platform.forecast.memory_lines import gigabytes
from platform.forecast.probe import Measured, first_that_fits, measure
from platform.results.parameters import ParameterValue
from platform.results.text_tables import TextTable, to_rich
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.model.backbones import backbone_size
from toco_core.parallel.precision import precision_on
from toco_core.settings import Recipe
from toco_core.settings.overrides import apply_overrides

DOES_NOT_FIT = 1  # exit status
# Other images of a run show more classes, and the allocator's blocks do not fit them to the byte.
_MOST_OF_A_GPU = 0.9


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What is about to be run.

    Attributes:
        recipe: the largest of its configurations.
        params: what that changes.
        split: that is scored; None where nothing is.
        device: of a worker.
        runs: trials, or seeds.
    """

    recipe: Recipe
    params: Mapping[str, ParameterValue]
    dataset: str
    split: str | None
    device: str
    placement: Placement
    runs: int

    @cached_property
    def opened(self) -> ParquetDataset:
        """The dataset: its footers are read once, which takes a while in an object store."""
        return open_dataset(self.dataset)


def run_preflight(plan: Preflight, console: Console) -> int:
    """Measure it and print the table; return the exit status."""
    workers = max(plan.placement.workers_per_trial, 1)
    images = plan.recipe.data.images_per_step // workers
    recipe = apply_overrides(plan.recipe, {"data.images_per_step": images})
    if plan.device == "cpu":  # as Ray does for the workers
        torch.set_num_threads(max(round(plan.placement.worker.get("CPU", 1.0)), 1))
    fits = first_that_fits(recipe, _attempt(plan))
    if fits is None:
        console.print("preflight: nothing fits, not even one image a step: take a smaller crop")
        return DOES_NOT_FIT
    changes, measured = fits
    console.print(to_rich(_table(plan, images, changes, measured)))
    advice = _advice(plan, changes, measured)
    if advice:
        console.print(f"preflight: {advice}", highlight=False, soft_wrap=True)
    return DOES_NOT_FIT if changes else 0


def _attempt(plan: Preflight) -> Callable[[Recipe], Measured]:
    return partial(
        measure,
        dataset=plan.opened,
        split=plan.split,
        device=plan.device,
        loaders=plan.placement.loaders,
    )


def _advice(plan: Preflight, changes: list[str], measured: Measured) -> str | None:
    if changes:
        settings = " ".join(f"--set {change}" for change in changes)
        workers = max(plan.placement.workers_per_trial, 1)
        of_each = f" (images of each of {workers} workers)" if workers > 1 else ""
        return f"it does not fit as it is; it does with {settings}{of_each}"
    if measured.available and measured.memory > _MOST_OF_A_GPU * _left(plan, measured.available):
        return (
            "memory is short: --set compute.recompute_blocks=true keeps no activations, and "
            "--set compute.parts=2 halves those of a part"
        )
    return None


def _left(plan: Preflight, available: float) -> float:
    """Return the bytes of a GPU that a worker has beside others and an evaluation worker."""
    return available * min(plan.placement.worker.get("GPU", 1.0), 1.0)


def _table(plan: Preflight, images: int, changes: list[str], measured: Measured) -> TextTable:
    params = ", ".join(f"{key}={value}" for key, value in plan.params.items()) or "the recipe's"
    rows = [
        ("largest configuration", params),
        ("device", _device(plan)),
        ("images a step of a worker", str(images)),
        ("had to be changed", " ".join(changes) or "nothing"),
        ("loading processes", str(plan.placement.loaders)),
        ("peak memory", _memory(plan, measured)),
        *_host_memory(plan, measured),
        ("a step", spell(measured.step_seconds)),
        *_costs(plan, measured),
    ]
    return TextTable(title="Preflight", columns=("what", "measured"), rows=rows, text_columns=2)


def _host_memory(plan: Preflight, measured: Measured) -> list[tuple[str, str]]:
    """Say what a trial takes of the host, beside what a search would expect of it."""
    split = plan.opened.split("train")
    size, is_local = backbone_size(plan.recipe.backbone.name), split.location.is_local
    use = host_use(plan.recipe, size, plan.placement, split.most_kept, is_local=is_local)
    pairs = [
        ("host memory of a training process", measured.process, use.worker),
        ("host memory of a loading process", measured.loader, use.loader),
    ]
    return [
        (what, f"{gigabytes(found)} (estimate: {gigabytes(estimate)})")
        for what, found, estimate in pairs
        if found is not None
    ]


def _costs(plan: Preflight, measured: Measured) -> list[tuple[str, str]]:
    recipe, at_once = plan.recipe, plan.placement.max_concurrent_trials
    training = measured.step_seconds * recipe.iterations
    rows = [("training of a run", spell(training))]
    if measured.image_seconds is not None and plan.split is not None:
        images = plan.opened.info.splits[plan.split].images
        scored = min(images, recipe.scoring.images or images)
        points = min(recipe.scoring.scores, recipe.iterations)
        each = measured.image_seconds * scored
        rows += [
            (f"a score of {scored:,} images", spell(each)),
            ("training between two scores", spell(training / points)),
            ("scores in flight", f"up to {at_once}"),
        ]
        training += each * points if plan.placement.gpus_per_trial else 0.0
    gpus = plan.placement.gpus_per_trial
    unit, amount = ("GPU-hours", gpus) if gpus else ("hours of a worker", 1.0)
    hours = plan.runs * training * amount / 3600
    return [
        *rows,
        (
            f"{plan.runs} run{'s'[: plan.runs > 1]}, if none stops early",
            f"at most {hours:.3g} {unit}",
        ),
    ]


def _device(plan: Preflight) -> str:
    if plan.device == "cpu":
        return f"CPU, {torch.get_num_threads()} threads, float32"
    precision = precision_on(torch.device(plan.device), plan.recipe)
    return f"{torch.cuda.get_device_name() or UNKNOWN.name}, {precision}"


def _memory(plan: Preflight, measured: Measured) -> str:
    used = f"{measured.memory / 1e9:.2f} GB"
    if measured.available is None:
        return f"{used} of the process"
    return f"{used} of {_left(plan, measured.available) / 1e9:.0f} GB beside evaluation"
