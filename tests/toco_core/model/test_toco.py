from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.toco_core.official_network import GOLDEN, official_network, untrained_network
from tests.toco_core.small_run import small_recipe
from toco_core.model.toco import ToCoOutput, build_model, strongest
from toco_core.settings import Recipe

GIVEN = {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / "forward.npz").items()}


@pytest.fixture(scope="module")
def output() -> ToCoOutput:
    with torch.no_grad():
        return official_network().eval()(GIVEN["images"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("cls", "cls"),
        ("cls_aux", "cls_aux"),
        ("seg", "seg"),
        ("tokens", "tokens"),
        ("class_token", "cls_token"),
        ("cam_raw", "cam_raw"),
        ("cam_aux_raw", "cam_aux_raw"),
    ],
)
def test_forward_is_the_authors(output: ToCoOutput, ours: str, theirs: str) -> None:
    torch.testing.assert_close(getattr(output, ours), GIVEN[theirs], rtol=1e-4, atol=1e-5)


def test_raw_cams_are_those_of_a_full_pass(output: ToCoOutput) -> None:
    with torch.no_grad():
        raw = official_network().eval().raw_cams(GIVEN["images"])
    torch.testing.assert_close(raw, torch.cat([output.cam_raw, output.cam_aux_raw], dim=1))


def test_the_decoder_can_be_skipped() -> None:
    model = untrained_network()
    model.decoder.register_forward_pre_hook(lambda *_: pytest.fail("the decoder ran"))
    assert model(GIVEN["images"], segment=False).seg is None


def test_teacher_moves_by_one_minus_momentum_just_before_its_use() -> None:
    torch.manual_seed(0)
    model = untrained_network()
    with torch.no_grad():
        for weight in model.projection.parameters():
            weight.add_(torch.randn_like(weight))
    before = _weights(model.teacher_projection)
    student = _weights(model.projection)
    tokens = torch.randn(3, 48)
    projected = model.project_by_teacher(tokens)
    for name, weight in model.teacher_projection.state_dict().items():
        torch.testing.assert_close(weight, 0.9 * before[name] + 0.1 * student[name])
    torch.testing.assert_close(projected, model.teacher_projection(tokens))
    assert not projected.requires_grad


def test_teacher_starts_as_the_student_and_is_not_trained() -> None:
    model = untrained_network()
    student, teacher = _weights(model.projection), _weights(model.teacher_projection)
    assert all(torch.equal(student[name], teacher[name]) for name in student)
    assert not any(weight.requires_grad for weight in model.teacher_projection.parameters())


def test_projections_do_not_depend_on_the_length_of_the_last_layer_s_rows() -> None:
    model = untrained_network()
    tokens = torch.randn(3, 48)
    before = model.projection(tokens)
    with torch.no_grad():
        model.projection.last_layer.weight.mul_(5)
    torch.testing.assert_close(model.projection(tokens), before)


def test_random_weights_follow_from_the_seed_and_leave_the_generator_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (_built(seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["decoder.conv8.weight"], other["decoder.conv8.weight"])


def test_no_class_claims_any_place_before_training() -> None:
    weights = _built(3)
    assert not weights["classifier.weight"].any()
    assert not weights["aux_classifier.weight"].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__crop_size": 16, "cam__scales": (1.0, 0.25)}, "cam.scales 0.25 is 4 px, less than"),
        ({"backbone__name": "vit_tiny_patch16_224", "ctc__local_size": 12}, "local_size is 12 px"),
        ({"backbone__aux_layer": 10}, "aux_layer 10 is out of range"),
    ],
)
def test_a_recipe_that_some_step_could_not_run_is_refused_at_once(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build_model(small_recipe(**changes), num_classes=3)


def _built(seed: int) -> dict[str, Tensor]:
    backbone = {"name": "partscenes_vit", "weights": "random"}
    recipe = Recipe.model_validate({"seed": seed, "backbone": backbone})
    return _weights(build_model(recipe, num_classes=3))


def test_classifiers_begin_at_zero_or_as_pytorch_has_them_and_nothing_else_changes() -> None:
    zero, uniform = (
        _weights(build_model(small_recipe(classifiers__init=init), num_classes=3))
        for init in ("zero", "uniform")
    )
    classifiers = {"classifier.weight", "aux_classifier.weight"}
    assert {name for name in zero if not torch.equal(zero[name], uniform[name])} == classifiers
    for name in classifiers:
        width = uniform[name].shape[1]
        assert not zero[name].any()
        assert uniform[name].abs().max() <= width**-0.5
        assert uniform[name].std() == pytest.approx((3 * width) ** -0.5, rel=0.1)


def _weights(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in module.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "crop", "fits"),
    [
        ("partscenes_vit", 44, "40 or 48"),
        ("vit_small_patch14_dinov2", 64, "56 or 70"),
    ],
)
def test_a_crop_of_a_part_of_a_patch_is_refused_with_those_that_fit(
    name: str, crop: int, fits: str
) -> None:
    recipe = small_recipe(backbone__name=name, data__crop_size=crop)
    with pytest.raises(ValueError, match=f"data.crop_size {crop} px is no whole .* take {fits}"):
        build_model(recipe, num_classes=3)


@pytest.mark.parametrize("levels", [2, 1000])  # with two, nearly every maximum is a tie
@pytest.mark.parametrize("channels_last", [True, False])
def test_the_strongest_tokens_and_their_gradient_are_those_of_max_pooling(
    levels: int, channels_last: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    flat = torch.randint(levels, (2, 12, 7), generator=generator).float()  # (B, N, D)
    tokens = flat.transpose(1, 2).unflatten(2, (3, 4))  # as an encoder gives them
    tokens = tokens if channels_last else tokens.contiguous()
    slope = torch.randn(2, 7, generator=generator)
    ours, theirs = tokens.clone().requires_grad_(), tokens.clone().requires_grad_()
    pooled = F.adaptive_max_pool2d(theirs, 1).flatten(1)
    assert torch.equal(strongest(ours), pooled)
    (gradient,) = torch.autograd.grad(strongest(ours), ours, slope)
    (expected,) = torch.autograd.grad(pooled, theirs, slope)
    assert torch.equal(gradient, expected)


def test_of_equal_tokens_the_first_gets_the_gradient() -> None:
    tokens = torch.ones(1, 1, 2, 2, requires_grad=True)
    strongest(tokens).sum().backward()
    assert tokens.grad is not None
    assert tokens.grad.flatten().tolist() == [1, 0, 0, 0]
