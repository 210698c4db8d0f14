"""Correctness on a device: the authors' numbers, other precisions, recordings, resuming."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu.figures import Figures
from benchmarks.gpu.made import MadeUpStep, fed, on_device, set_compute, stepper, tf32
from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.cam.refine import PixelAdaptiveRefinement, refine_labels
from toco_core.data.partscenes.dataset import PartScenes, write_partscenes
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.losses import (
    balanced_cross_entropy,
    class_token_contrast,
    patch_token_contrast,
)
from toco_core.losses.energy import DenseEnergyLoss
from toco_core.settings.overrides import apply_overrides, load_recipe
from toco_core.trainer import Trainer
from toco_core.training.recording import RecordedLosses

GOLDEN = Path("tests/golden")
SETTINGS = {
    "iterations": 30,
    "optimiser.warmup": 2,
    "stages.segmentation": 2,
    "stages.contrast": 1,
    "compute.precision": "float32",
}
Row = dict[str, float]


def relative(value: Tensor, expected: Tensor) -> float:
    """Return the length of the difference by that of what was expected; NaN never passes."""
    value, expected = value.detach().double().cpu(), expected.detach().double().cpu()
    return ((value - expected).norm() / expected.norm().clamp(min=1e-30)).item()


def run(figures: Figures, device: torch.device, *, tiny: bool) -> None:
    """Measure all of it."""
    tf32(False)
    with figures.within("environment", 30):
        environment(figures, device)
    with figures.within("golden", 60):
        golden(figures, device)
    case = ("partscenes_vit", 96) if tiny else ("vit_base_patch16_224", 448)
    with figures.within("precision", 60):
        precisions(figures, device, *case)
    with figures.within("host waits", 30):
        host_waits(figures, device, *case)
    with TemporaryDirectory() as folder:
        sizes = PartScenes(splits={"train": 24, "tune": 4, "report": 4})
        write_partscenes(Path(folder), sizes)
        data = open_dataset(folder)
        with figures.within("trainer", 90):
            trainers(figures, device, data)
        with figures.within("long run", 60):
            long_run(figures, device, data, steps=8 if tiny else 200)
        with figures.within("trainer waits", 30):
            trainer_waits(figures, device, data)
        with figures.within("deterministic", 60):
            deterministic(figures, device, data)


def environment(figures: Figures, device: torch.device) -> None:
    """Name the card and the versions."""
    values: dict[str, object] = {"torch": torch.__version__, "cpus": os.cpu_count()}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        values |= {"card": card.name, "GiB": round(card.total_memory / 2**30)}
        values |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    figures.add("environment", **values)


def _arrays(name: str, device: torch.device) -> dict[str, Tensor]:
    with np.load(GOLDEN / name, allow_pickle=False) as arrays:
        return {key: torch.from_numpy(arrays[key]).to(device) for key in arrays.files}


def golden(figures: Figures, device: torch.device) -> None:
    """Compare PAR, the losses, the energy and the labels with the authors' numbers."""
    given = _arrays("refine.npz", device)
    par = PixelAdaptiveRefinement()
    labels = refine_labels(
        par,
        given["full_images"],
        given["valid_cam"],
        given["cls_label"],
        0.25,
        0.7,
        given["img_box"],
    )
    figures.add(
        "golden PAR",
        error=relative(par(given["images"], given["masks"]), given["refined"]),
        labels_differ=int((labels != given["refined_label"]).sum()),
    )
    given = _arrays("losses.npz", device)
    tokens = given["tokens"].clone().requires_grad_()
    _compare(figures, "PTC", patch_token_contrast(tokens, given["affinity"]), tokens, given, "ptc")
    student = given["student"].clone().requires_grad_()
    loss = class_token_contrast(
        student, given["teacher"], given["flags"], float(given["temperature"])
    )
    _compare(figures, "CTC", loss, student, given, "ctc")
    logits = given["seg_logits"].clone().requires_grad_()
    loss = balanced_cross_entropy(logits, given["pseudo_label"])
    _compare(figures, "seg", loss, logits, given, "seg")
    logits = given["energy_logits"].clone().requires_grad_()
    loss = DenseEnergyLoss()(
        given["energy_images"], logits, given["pseudo_label"], given["img_box"]
    )
    _compare(figures, "energy", loss, logits, given, "energy")
    given = _arrays("labels.npz", device)
    labels = cam_to_label(
        given["cam"], given["cls_label"], 0.5, low=0.25, high=0.7, boxes=given["img_box"]
    )
    figures.add("golden labels", differ=int((labels != given["pseudo_label"]).sum()))


def _compare(
    figures: Figures, name: str, loss: Tensor, leaf: Tensor, given: dict[str, Tensor], key: str
) -> None:
    loss.backward()
    assert leaf.grad is not None
    expected = given[key].flatten()[0]
    gradient = relative(leaf.grad, given[f"{key}_grad"])
    figures.add(f"golden {name}", loss=relative(loss, expected), gradient=gradient)


def precisions(figures: Figures, device: torch.device, backbone: str, size: int) -> None:
    """Compare losses, gradients and labels of one step with those in float32."""
    reference: tuple[Row, dict[str, Tensor]] | None = None
    ways = [("float32", False), ("float32", True), ("bfloat16", True), ("float16", True)]
    for precision, allow in ways if device.type == "cuda" else ways[:1]:
        tf32(allow)
        made = on_device(backbone, size, 2, device)
        set_compute(made, precision=precision)
        losses = made.losses(made.batch, 0)
        losses["total"].backward()
        values = {name: loss.item() for name, loss in losses.items()}
        weights = made.model.named_parameters()
        gradients = {k: w.grad.double().cpu() for k, w in weights if w.grad is not None}
        reference = reference or (values, gradients)
        figures.add(
            "precision",
            precision=precision,
            tf32=allow,
            losses=_worst_by_name(values, reference[0]),
            gradient=_distance(gradients, reference[1]),
        )
        tf32(False)


def _worst_by_name(values: Row, expected: Row) -> Row:
    return {
        k: float(f"{abs(v - expected[k]) / max(abs(expected[k]), 1e-12):.2g}")
        for k, v in values.items()
    }


def _distance(values: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    squares = [((values[k] - e).norm() ** 2, e.norm() ** 2) for k, e in expected.items()]
    return float((sum(a for a, _ in squares) / sum(b for _, b in squares)) ** 0.5)


def host_waits(figures: Figures, device: torch.device, backbone: str, size: int) -> None:
    """Count where a step kernel by kernel waits for the device."""
    if device.type != "cuda":
        return
    made = on_device(backbone, size, 2, device)
    set_compute(made, precision="bfloat16")
    step = stepper(made, "ours")
    step()
    places = _waits(step)
    figures.add("host waits", count=sum(places.values()), places=dict(places))
    _recorded_equals_plain(figures, made)


def _waits(action: Callable[[], object]) -> Counter[str]:
    """Count where the host waits for all that the GPU was asked for."""
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        action()
        torch.cuda.set_sync_debug_mode("default")
    messages = (w for w in seen if "synchron" in str(w.message))
    return Counter(f"{w.filename[-40:]}:{w.lineno}" for w in messages)


def trainer_waits(figures: Figures, device: torch.device, data: ParquetDataset) -> None:
    """Count the waits of whole steps, with feed, check and update, recorded and kernel by kernel.

    An event, by which the losses of the step before arrive, is not counted. A step of a new kind is
    recorded, which waits.
    """
    if device.type != "cuda":
        return
    recipe = apply_overrides(load_recipe("partscenes"), SETTINGS | {"compute.precision": "auto"})
    for recorded in (True, False):
        trainer = Trainer(
            apply_overrides(recipe, {"compute.cuda_graphs": recorded}), data, device=device
        )
        for _ in range(10):
            trainer.advance()
        places = _waits(lambda trainer=trainer: [trainer.advance() for _ in range(4)])
        trainer.settle()
        figures.add(
            "trainer waits", recorded=recorded, count=sum(places.values()), places=dict(places)
        )


def _recorded_equals_plain(figures: Figures, made: MadeUpStep) -> None:
    """Compare losses and gradients of a replay with those of the step kernel by kernel."""
    device, prepared = made.batch.images.device, fed(made)
    recorded = RecordedLosses(made.losses, device)
    rows: list[Row] = []
    gradients: list[dict[str, Tensor]] = []
    for _ in range(5):  # two kernel by kernel, one that records, two that replay
        made.reset_teacher()
        made.optimiser.zero_grad()
        losses = recorded(prepared, 0)
        rows.append({name: loss.item() for name, loss in losses.items()})
        weights = made.model.named_parameters()
        gradients.append({k: w.grad.double().cpu() for k, w in weights if w.grad is not None})
    figures.add(
        "recorded step",
        losses=_worst_by_name(rows[-1], rows[0]),
        gradient=_distance(gradients[-1], gradients[0]),
        plain_twice=_distance(gradients[1], gradients[0]),
        same_weights=gradients[-1].keys() == gradients[0].keys(),
    )


def trainers(figures: Figures, device: torch.device, data: ParquetDataset) -> None:
    """Compare runs of the trainer with one on the CPU, and a resumed one with an uninterrupted."""
    recipe = apply_overrides(load_recipe("partscenes"), SETTINGS)
    expected = _rows(Trainer(recipe, data), 8)
    for name, changes, loaders in (
        ("float32", {}, 0),
        ("float32, kernel by kernel", {"compute.cuda_graphs": False}, 0),
        ("float32, 2 loaders", {}, 2),
        ("parts 2", {"compute.parts": 2}, 0),
        ("blocks recomputed", {"compute.recompute_blocks": True}, 0),
        ("bfloat16", {"compute.precision": "bfloat16"}, 0),
        ("float16", {"compute.precision": "float16"}, 0),
    ):
        changed = apply_overrides(recipe, changes)
        with figures.within(f"trainer {name}", 40):
            rows = _rows(Trainer(changed, data, device=device, num_workers=loaders), 8)
            figures.add("trainer", name=name, worst=_worst(rows, expected))
    trainer = Trainer(recipe, data, device=device)
    _rows(trainer, 5)
    with TemporaryDirectory() as folder:
        trainer.save(f"{folder}/run.pt")
        again = Trainer.resume(f"{folder}/run.pt", data, device=device)
        figures.add("trainer resumed", worst=_worst(_rows(again, 3), _rows(trainer, 3)))


def long_run(figures: Figures, device: torch.device, data: ParquetDataset, *, steps: int) -> None:
    """Compare a run in bfloat16 with one in float32: the mean losses of their last quarters."""
    recipe = apply_overrides(load_recipe("partscenes"), SETTINGS | {"iterations": steps})
    means: dict[str, Row] = {}
    for precision in ("float32", "bfloat16"):
        changed = apply_overrides(recipe, {"compute.precision": precision})
        rows = _rows(Trainer(changed, data, device=device), steps)[-steps // 4 :]
        means[precision] = {name: fmean(row[name] for row in rows) for name in rows[-1]}
    relative_by_name = _worst_by_name(means["bfloat16"], means["float32"])
    figures.add("long run", steps=steps, differences=relative_by_name, means=means["float32"])


def deterministic(figures: Figures, device: torch.device, data: ParquetDataset) -> None:
    """Run twice with `compute.deterministic`, in bfloat16: the same losses to the bit?"""
    changes = {"compute.precision": "bfloat16" if device.type == "cuda" else "float32"}
    for asked in (False, True):
        changes |= {"compute.deterministic": asked}
        recipe = apply_overrides(load_recipe("partscenes"), SETTINGS | changes)
        first, second = (_rows(Trainer(recipe, data, device=device), 10) for _ in range(2))
        differing = [
            index
            for index, pair in enumerate(zip(first, second, strict=True))
            if pair[0] != pair[1]
        ]
        figures.add(
            "deterministic", asked=asked, equal=first == second, first_that_differs=differing[:1]
        )


def _rows(trainer: Trainer, steps: int) -> list[Row]:
    return [trainer.step() for _ in range(steps)]


def _worst(rows: list[Row], expected: list[Row]) -> float:
    pairs = zip(rows, expected, strict=True)
    return max(abs(a[k] - b[k]) / max(abs(b[k]), 1e-6) for a, b in pairs for k in b)
