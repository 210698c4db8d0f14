"""Three whole training steps against the authors' numbers: losses, gradients, weights."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.toco_core.official_network import GOLDEN, official_network
from toco_core.cam.local_crops import LocalCrops
from toco_core.checkpoint import our_name
from toco_core.data.batch import TrainBatch
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.terms.class_contrast import local_crops
from toco_core.trainer import build_optimisation

EXPECTED: dict[str, Any] = json.loads((GOLDEN / "step.json").read_text())
STEPS = len(EXPECTED["losses"])


def golden_recipe() -> Recipe:
    """Return the recipe of `step.json`; the golden numbers were made with quirk 3."""
    optimiser = EXPECTED["optimizer"]
    names = {
        "head_lr_multiplier": "head_lr_factor",
        "warmup_iters": "warmup",
        "max_iters": "iterations",
    }
    settings = {names.get(name, name): value for name, value in optimiser.items()}
    return Recipe.model_validate(
        {
            "iterations": settings.pop("iterations"),
            "official_quirks": True,
            "optimiser": settings,
            "stages": {"segmentation": 0},
            "thresholds": EXPECTED["thresholds"],
            "weights": EXPECTED["weights"],
            "ctc": {"temperature": EXPECTED["temperature"], "momentum": EXPECTED["momentum"]},
            "cam": {"scales": EXPECTED["scales"]},
        }
    )


def golden_batch() -> tuple[TrainBatch, LocalCrops]:
    arrays = np.load(GOLDEN / "step.npz", allow_pickle=False)
    given = {name: torch.from_numpy(arrays[name]) for name in arrays}
    batch = TrainBatch(
        images=given["images"],
        global_view=given["global_view"],
        local_source=given["images"],
        class_labels=given["cls_label"],
        boxes=given["img_box"].long(),
        crop_seeds=torch.zeros(2, dtype=torch.int64),
        names=["a", "b"],
    )
    return batch, LocalCrops(given["local_crops"], given["flags"])


@pytest.fixture(scope="module")
def trajectory() -> dict[str, Any]:
    """Train three steps; return the losses, the first gradient norms and the last tensor norms."""
    recipe = golden_recipe()
    batch, crops = golden_batch()
    model = official_network()
    losses_module = ToCoLosses(model, recipe).train()
    optimiser, schedule = build_optimisation(model, recipe)
    record: dict[str, Any] = {"losses": [], "gradients": []}
    for iteration in range(STEPS):
        losses = losses_module(batch, iteration, {local_crops: crops})
        record["losses"].append({name: loss.item() for name, loss in losses.items()})
        optimiser.zero_grad()
        losses["total"].backward()
        record["gradients"].append(_norms(_gradients(model)))
        optimiser.step()
        schedule.step()
    record["weights"] = _norms(model.state_dict())
    return record


def _gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    return {k: v.grad for k, v in model.named_parameters() if v.grad is not None}


def _norms(tensors: dict[str, Tensor]) -> dict[str, float]:
    return {name: tensor.double().norm().item() for name, tensor in tensors.items()}


@pytest.mark.parametrize("iteration", range(STEPS))
@pytest.mark.parametrize("name", ["cls", "cls_aux", "ptc", "ctc", "seg", "energy", "total"])
def test_every_loss_of_three_steps_is_the_authors(
    trajectory: dict[str, Any], iteration: int, name: str
) -> None:
    # The energy's own tolerance: rounding on the lattice decides which cell a pixel falls into.
    tolerance = 2e-3 if name == "energy" else 1e-3
    expected = EXPECTED["losses"][iteration][name]
    assert trajectory["losses"][iteration][name] == pytest.approx(expected, rel=tolerance)


def test_first_gradient_of_every_parameter_has_the_authors_norm(trajectory: dict[str, Any]) -> None:
    expected = {
        our_name(key.removeprefix("grad_norm/")): norm
        for key, norm in EXPECTED["first_step"].items()
        if key.startswith("grad_norm/")
    }
    assert trajectory["gradients"][0] == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_every_tensor_has_the_authors_norm_after_three_steps(trajectory: dict[str, Any]) -> None:
    expected = {
        our_name(key): norm
        for key, norm in EXPECTED["after_three_steps"].items()
        if not key.endswith("weight_g")
    }
    assert trajectory["weights"] == pytest.approx(expected, rel=1e-3)
