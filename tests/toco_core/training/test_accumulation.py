from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.toco_core.small_run import random_batch, small_dataset, small_recipe
from toco_core.cam.pseudo_labels import token_affinity
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import ParquetDataset
from toco_core.losses.contrast import pair_counts, patch_token_sums
from toco_core.losses.pixels import pixel_counts
from toco_core.model.toco import build_model
from toco_core.parallel.precision import make_scaler
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.trainer import Trainer
from toco_core.training.accumulation import GradientAccumulator
from toco_core.training.distribution import Distribution
from toco_core.training.feed import Fed

Gradients = dict[str, Tensor]
IMAGES = 4


def one_step(recipe: Recipe) -> tuple[dict[str, Tensor], Gradients, ToCoLosses]:
    """Return losses and gradients of a step over four images."""
    model = build_model(recipe, num_classes=3)
    generator = torch.Generator().manual_seed(0)
    for classifier in (model.classifier, model.aux_classifier):  # which begin at zero: no CAM yet
        torch.nn.init.normal_(classifier.weight, generator=generator)
    compute = recipe.compute
    model.encoder.recompute_blocks = compute.recompute_blocks
    module = ToCoLosses(model, recipe, parts=compute.parts).train()
    scaler = make_scaler("float32", torch.device("cpu"))
    losses = GradientAccumulator(Distribution(module), scaler)(Fed(random_batch(recipe, IMAGES)), 9)
    gradients = {n: w.grad for n, w in model.named_parameters() if w.grad is not None}
    return losses, gradients, module


def assert_same_step(recipe: Recipe, other: Recipe, tolerance: float = 1e-4) -> None:
    (losses, gradients, module), (losses_2, gradients_2, module_2) = map(one_step, (recipe, other))
    assert losses.keys() == losses_2.keys()
    for name, loss in losses.items():
        torch.testing.assert_close(losses_2[name], loss, rtol=tolerance, atol=1e-6, msg=name)
    assert gradients.keys() == gradients_2.keys()
    for name, gradient in gradients.items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(
            gradients_2[name], gradient, rtol=tolerance, atol=tolerance * scale, msg=name
        )
    teachers = (m.model.teacher_projection.last_layer.weight for m in (module, module_2))
    assert torch.equal(*teachers)


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_have_the_losses_and_gradients_of_the_whole_batch(parts: int) -> None:
    assert_same_step(small_recipe(), small_recipe(compute__parts=parts))


def test_the_mean_over_parts_alone_would_be_another_loss() -> None:
    recipe = small_recipe()
    whole, _, module = one_step(recipe)
    halves = [module(part, 9) for part in random_batch(recipe, IMAGES).split(2)]
    mean = torch.stack([half["ptc"] for half in halves]).mean()
    assert abs(mean - whole["ptc"]).item() > 1e-4


def test_parts_that_do_not_divide_the_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"compute.parts 3 does not divide the 4 images"):
        one_step(small_recipe(compute__parts=3))


def test_recomputed_blocks_change_nothing() -> None:
    assert_same_step(small_recipe(), small_recipe(compute__recompute_blocks=True), tolerance=1e-6)


def test_bfloat16_is_near_float32_and_every_parameter_still_learns() -> None:
    recipe = small_recipe()
    exact, gradients, _ = one_step(recipe)
    rounded, rounded_gradients, _ = one_step(small_recipe(compute__precision="bfloat16"))
    assert all(loss.dtype == torch.float32 for loss in rounded.values())
    assert rounded["cls"].item() == pytest.approx(exact["cls"].item(), rel=0.05)
    assert not torch.equal(rounded["cls"], exact["cls"])
    assert rounded_gradients.keys() == gradients.keys()
    assert all(gradient.any() for gradient in rounded_gradients.values())


def test_counts_of_labels_are_those_of_the_loss() -> None:
    labels = torch.randint(0, 4, (3, 5, 6), generator=torch.Generator().manual_seed(0))
    labels[labels == 3] = 255
    halves = patch_token_sums(torch.randn(3, 8, 5, 6), token_affinity(labels))
    assert pair_counts(labels).tolist() == halves.counts.tolist()
    background, foreground = pixel_counts(labels).tolist()
    assert background == (labels == 0).sum()
    assert foreground == ((labels == 1) | (labels == 2)).sum()


@pytest.fixture
def dataset(tmp_path: Path) -> ParquetDataset:
    return small_dataset(tmp_path / "noise")


def trained(dataset: ParquetDataset, **changes: Any) -> Trainer:
    trainer = Trainer(small_recipe(**changes), dataset)
    for _ in range(3):
        trainer.step()
    return trainer


def test_float16_scales_its_gradients_and_resumes_with_the_scale(
    dataset: ParquetDataset, tmp_path: Path
) -> None:
    trainer = trained(dataset, compute__precision="float16")
    trainer.save(tmp_path / "run.pt")
    resumed = Trainer.resume(tmp_path / "run.pt", dataset)
    assert resumed.step() == trainer.step()
    assert all(weight.dtype == torch.float32 for weight in resumed.model.parameters())


def test_a_run_goes_on_in_parts_but_not_in_another_precision(
    dataset: ParquetDataset, tmp_path: Path
) -> None:
    trained(dataset).save(tmp_path / "run.pt")
    checkpoint = load_checkpoint(tmp_path / "run.pt")
    Trainer(small_recipe(compute__parts=2), dataset, checkpoint=checkpoint).step()
    with pytest.raises(ValueError, match=r"compute.precision \(was auto, now bfloat16\)"):
        Trainer(small_recipe(compute__precision="bfloat16"), dataset, checkpoint=checkpoint)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler on a CPU")
def test_compiled_blocks_give_the_same_losses(dataset: ParquetDataset) -> None:
    stages = {"stages__contrast": 9, "stages__segmentation": 9}  # one size to compile for
    plain, compiled = (
        Trainer(small_recipe(compute__compile=compile, **stages), dataset)
        for compile in (False, True)
    )
    assert compiled.step() == pytest.approx(plain.step(), rel=1e-4)
