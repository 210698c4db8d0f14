"""Estimates of a step and of a score, from counted operations and what devices reach of their own.

Needs no torch, and is printed before every search. `--preflight` measures instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from platform.cluster.gpu_kinds import GpuKind, kind_of
from platform.cluster.placement import Placement, Resources
from platform.cluster.shares import with_gpus
from toco_core.cost import score_operations, step_operations
from toco_core.encoder_size import EncoderSize
from toco_core.settings import Recipe

# What an H100 is expected to reach of the products on its data sheet: ViT-B's step of 4 images in
# 45 ms, its score of 1,464 in 7 s.
_REACHED_IN_A_STEP, _REACHED_IN_A_SCORE = 0.2, 0.24
_FLOAT32 = 1 / 15  # of the rate in bfloat16, without tensor cores
_CPU_THREAD = 0.066e12  # operations a second: a score of VOC takes a thread 7.5 hours
# Images a second, three views each at 448 px, from n loading processes: 16 n ** 0.85.
_LOADED, _SCALING, _LOADED_SIDE = 16.0, 0.85, 448


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What runs where, and how long it takes.

    Attributes:
        device: kind of GPU that trains; None for CPUs.
        precision: of the network there.
        images: of a score.
        operations: of a score.
        step_seconds: of a training step, its loading included.
        score_seconds: of a score by all evaluation workers, if they have nothing else to do.
        interval_seconds: of training between two scores.
    """

    placement: Placement
    device: GpuKind | None
    precision: str
    images: int
    operations: float
    step_seconds: float
    score_seconds: float
    interval_seconds: float

    @property
    def scores_on_gpus(self) -> bool:
        return self.placement.scorer.get("GPU", 0.0) > 0

    @property
    def load(self) -> float:
        """Of the evaluation workers: above 1, scores come faster than they are scored."""
        at_once = self.placement.max_concurrent_trials
        return at_once * self.score_seconds / self.interval_seconds


def forecast(
    nodes: Sequence[Resources],
    placement: Placement,
    recipe: Recipe,
    size: EncoderSize,
    images: int,
) -> Forecast:
    """Estimate what a search or a run will take.

    Args:
        nodes: resources of each machine.
        placement: of its processes.
        recipe: of a trial.
        size: of its backbone.
        images: of the split that is scored.
    """
    kind = kind_of(with_gpus(nodes)[0]) if placement.gpus_per_trial else None
    precision = precision_of(kind, recipe)
    scored = min(images, recipe.scoring.images or images)
    operations = scored * score_operations(recipe, size)
    step = _step_seconds(placement, recipe, size, kind, precision)
    interval = step * recipe.iterations / min(recipe.scoring.scores, recipe.iterations)
    return Forecast(
        placement=placement,
        device=kind,
        precision=precision,
        images=scored,
        operations=operations,
        step_seconds=step,
        score_seconds=operations / _scoring_rate(nodes, placement, precision),
        interval_seconds=interval,
    )


def precision_of(kind: GpuKind | None, recipe: Recipe) -> str:
    """Return what the recipe's precision means on a kind of device."""
    asked = recipe.compute.precision
    if asked != "auto":
        return asked
    has_it = kind is not None and kind.has_bfloat16 and not recipe.official_quirks
    return "bfloat16" if has_it else "float32"


def _step_seconds(
    placement: Placement, recipe: Recipe, size: EncoderSize, kind: GpuKind | None, precision: str
) -> float:
    images = recipe.data.images_per_step / max(placement.workers_per_trial, 1)
    if kind is None:
        rate = _CPU_THREAD * max(int(placement.worker.get("CPU", 1.0)), 1)
    else:
        shared = min(placement.gpus_per_trial / max(placement.workers_per_trial, 1), 1.0)
        rate = _rate(kind, precision) * _REACHED_IN_A_STEP * shared
    computing = images * step_operations(recipe, size) / rate
    processes = placement.loaders or 1
    a_second = _LOADED * processes**_SCALING * (_LOADED_SIDE / recipe.data.crop_size) ** 2
    loading = images / a_second
    return max(computing, loading) if placement.loaders else computing + loading


def _scoring_rate(nodes: Sequence[Resources], placement: Placement, precision: str) -> float:
    """Return the operations a second of all evaluation workers; those on one GPU share it."""
    if not placement.scorer.get("GPU"):
        return _CPU_THREAD * max(placement.scorers, 1)
    machines = with_gpus(nodes)
    used = machines[: max(placement.scorers, 1)]
    return sum(_rate(kind_of(one), precision) * _REACHED_IN_A_SCORE for one in used)


def _rate(kind: GpuKind, precision: str) -> float:
    in_full = precision == "float32" and kind.has_bfloat16
    return kind.tflops * 1e12 * (_FLOAT32 if in_full else 1.0)
