from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from tests.toco_core.fake_gpu import WaitingCopies, waiting_copies
from tests.toco_core.small_run import random_batch, small_recipe
from toco_core import step
from toco_core.constants import constant
from toco_core.losses.energy import DenseEnergyLoss
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.model.toco import build_model
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.terms import class_contrast, patch_contrast, refined_labels, segmentation
from toco_core.terms.dense_energy import DenseEnergy

CLASSIFICATION = {"cls", "cls_aux", "total"}
EVERYTHING = CLASSIFICATION | {"ptc", "ctc", "seg", "energy"}


def losses_module(recipe: Recipe) -> ToCoLosses:
    model = build_model(recipe, num_classes=3)
    generator = torch.Generator().manual_seed(0)
    for classifier in (model.classifier, model.aux_classifier):  # which begin at zero: no CAM yet
        torch.nn.init.normal_(classifier.weight, generator=generator)
    return ToCoLosses(model, recipe).train()


def energy_of(module: ToCoLosses) -> DenseEnergyLoss:
    (energy,) = (term for term in module.objective.terms if isinstance(term, DenseEnergy))
    return energy.loss


def encoded_images(module: ToCoLosses, recipe: Recipe, iteration: int = 9) -> list[Tensor]:
    """Return every image that a step encodes."""
    seen: list[Tensor] = []
    patches = module.model.encoder.vit.patch_embed.proj
    patches.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs[0]))
    module(random_batch(recipe), iteration)
    return seen


@pytest.mark.parametrize(
    ("iteration", "names"),
    [(0, CLASSIFICATION), (2, EVERYTHING - {"seg", "energy"}), (4, EVERYTHING)],
)
def test_losses_follow_the_stages(iteration: int, names: set[str]) -> None:
    recipe = small_recipe(stages__contrast=2, stages__segmentation=4)
    losses = losses_module(recipe)(random_batch(recipe), iteration)
    assert set(losses) == names
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.parametrize("term", ["ptc", "ctc", "seg", "energy"])
def test_a_term_of_weight_zero_is_not_computed(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = small_recipe(**{f"weights__{term}": 0.0})
    module = losses_module(recipe)

    def forbid(owner: object, name: str) -> None:
        monkeypatch.setattr(owner, name, lambda *_: pytest.fail(f"{term} was computed"))

    forbidden = {
        "ptc": (patch_contrast, "patch_token_sums"),
        "ctc": (class_contrast, "class_token_contrast"),
        "seg": (segmentation, "balanced_sums"),
        "energy": (energy_of(module), "of_probabilities"),
    }
    forbid(*forbidden[term])
    assert set(module(random_batch(recipe), 9)) == EVERYTHING - {term}


def test_without_any_term_only_the_images_themselves_are_encoded() -> None:
    recipe = small_recipe(stages__contrast=5, stages__segmentation=5)
    assert len(encoded_images(losses_module(recipe), recipe, iteration=0)) == 2


def test_no_image_is_encoded_twice() -> None:
    recipe = small_recipe()
    seen = encoded_images(losses_module(recipe), recipe)
    # Of each image: itself, its mirror, half of both, the second view, two local crops.
    assert len(seen) == 2 * (1 + 1 + 2 + 1 + 2)
    pairs = [(a, b) for i, a in enumerate(seen) for b in seen[:i] if a.shape == b.shape]
    assert not any(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("drop_path", "images"), [(0.0, 14), (0.3, 16)])
def test_the_cam_of_a_pass_with_drop_path_is_not_reused(drop_path: float, images: int) -> None:
    recipe = small_recipe(backbone__drop_path=drop_path)
    assert len(encoded_images(losses_module(recipe), recipe)) == images


@pytest.mark.parametrize(("iteration", "uses_final"), [(3, False), (4, True)])
def test_refined_labels_come_from_the_final_cam_from_its_stage_on(
    iteration: int, uses_final: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(stages__final_cam=4)
    cams: list[tuple[Tensor, Tensor]] = []
    given: list[Tensor] = []

    def remember_cams(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        cams.append(real_cam(*args, **kwargs))
        return cams[0]

    def remember_refined(*args: Any) -> Tensor:
        given.append(args[2])
        return real_refine(*args)

    real_cam, real_refine = step.multi_scale_cam, refined_labels.refine_labels
    monkeypatch.setattr(step, "multi_scale_cam", remember_cams)
    monkeypatch.setattr(refined_labels, "refine_labels", remember_refined)
    losses_module(recipe)(random_batch(recipe), iteration)
    final, auxiliary = cams[0]
    assert not torch.equal(final, auxiliary)
    assert given[0] is (final if uses_final else auxiliary)


def test_every_trained_parameter_gets_a_gradient() -> None:
    recipe = small_recipe()
    module = losses_module(recipe)
    module(random_batch(recipe), 9)["total"].backward()
    without = [n for n, w in module.named_parameters() if w.requires_grad and w.grad is None]
    assert without == []


def test_the_teacher_moves_once_a_step_and_only_with_ctc() -> None:
    for weight, moves in ((0.5, True), (0.0, False)):
        recipe = small_recipe(weights__ctc=weight)
        module = losses_module(recipe)
        head, teacher = module.model.projection, module.model.teacher_projection
        with torch.no_grad():
            head.last_layer.weight.add_(1.0)
        before = teacher.last_layer.weight.clone()
        module(random_batch(recipe), 9)
        expected = before + 0.1 if moves else before
        torch.testing.assert_close(teacher.last_layer.weight, expected)


def test_the_same_batch_gives_the_same_losses_to_the_bit() -> None:
    recipe = small_recipe()
    first, again = (losses_module(recipe)(random_batch(recipe), 9) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_both_views_in_one_pass_give_the_losses_and_gradients_of_two() -> None:
    recipe = small_recipe()
    by_way: list[tuple[dict[str, Tensor], dict[str, Tensor], int]] = []
    for together in (False, True):
        module = losses_module(recipe).double()
        module.views_together = together
        batch = random_batch(recipe).changed(lambda t: t.double() if t.is_floating_point() else t)
        seen: list[Tensor] = []
        block = module.model.encoder.vit.blocks[0]
        block.register_forward_hook(lambda _, inputs, output, seen=seen: seen.append(output))
        losses = module(batch, 9)
        losses["total"].backward()
        weights = module.named_parameters()
        by_way.append((losses, {n: w.grad for n, w in weights if w.grad is not None}, len(seen)))
    (losses, gradients, passes), (joint, joint_gradients, fewer) = by_way
    assert fewer == passes - 1
    torch.testing.assert_close(joint, losses, rtol=1e-6, atol=1e-8)
    assert joint_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(joint_gradients[name], gradient, rtol=1e-4, atol=1e-5 * scale)


def test_without_ctc_no_second_view_is_encoded() -> None:
    recipe = small_recipe(weights__ctc=0.0)
    module = losses_module(recipe)
    module.views_together = True
    assert module.model.forward(random_batch(recipe).images).second_token is None
    seen: list[Tensor] = []
    patches = module.model.encoder.vit.patch_embed.proj
    patches.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    module(random_batch(recipe), 9)
    assert len(seen[0]) == 2


@pytest.mark.parametrize("is_built", [True, False])
def test_a_step_never_waits_for_the_device(is_built: bool) -> None:
    # Fake tensors have no content: to read a number off one, or a size that hangs on it, raises.
    recipe = small_recipe()
    module, batch = losses_module(recipe), random_batch(recipe)
    module.views_together = True  # as on a GPU
    with FakeTensorMode(allow_non_fake_inputs=True):
        if is_built:
            corners = energy_of(module).corners(batch.images)
            lattice = PermutohedralLattice(corners, corners.keys.numel())
            module(batch, 9, lattice=lattice)["total"].backward()
        else:  # the lattice counts its points: the test would see a wait
            with pytest.raises(DataDependentOutputException):
                module(batch, 9)


def test_no_copy_to_the_device_makes_the_host_wait() -> None:
    recipe = small_recipe()
    assert waiting_copies(losses_module(recipe), random_batch(recipe), 9) == []


def test_a_copy_that_makes_the_host_wait_would_be_seen() -> None:
    with FakeTensorMode(), WaitingCopies() as copies:
        torch.tensor([1.0, 2.0], device="cuda")
        constant([1.0, 2.0], device=torch.device("cuda"))
    assert copies.found == ["(2,) torch.float32"]


def test_only_the_cams_of_the_classes_present_are_made_and_nothing_changes() -> None:
    recipe = small_recipe()
    batch = random_batch(recipe)  # one class in each image
    every = losses_module(recipe)(batch, 9)
    few = losses_module(recipe)(batch._replace(most_classes=1), 9)
    for name, loss in every.items():
        torch.testing.assert_close(few[name], loss, rtol=1e-6, atol=0, msg=name)
