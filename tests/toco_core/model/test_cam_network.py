from __future__ import annotations

import torch

from tests.toco_core.small_run import random_batch, small_recipe
from toco_core.model.cam_network import CamNetwork
from toco_core.model.toco import ToCo, build_model


def network() -> ToCo:
    model = build_model(small_recipe(), num_classes=3).eval()
    generator = torch.Generator().manual_seed(0)
    for classifier in (model.classifier, model.aux_classifier):  # which begin at zero: no CAM yet
        torch.nn.init.normal_(classifier.weight, generator=generator)
    return model


def test_its_cams_are_those_of_the_model_but_for_rounding() -> None:
    model, images = network(), random_batch(small_recipe()).images
    cams, expected = CamNetwork(model).raw_cams(images), model.raw_cams(images)
    assert cams.dtype == torch.bfloat16
    assert (cams - expected).norm() < 0.03 * expected.norm()


def test_it_follows_the_weights_that_are_trained() -> None:
    model, images = network(), random_batch(small_recipe()).images
    copy = CamNetwork(model)
    before = copy.raw_cams(images)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.5)
    assert torch.equal(copy.raw_cams(images), before)
    copy.follow()
    assert torch.equal(copy.raw_cams(images), CamNetwork(model).raw_cams(images))


def test_autocast_around_it_changes_nothing() -> None:
    copy, images = CamNetwork(network()), random_batch(small_recipe()).images
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(copy.raw_cams(images), copy.raw_cams(images))
        inside = copy.raw_cams(images)
    assert torch.equal(inside, copy.raw_cams(images))


def test_nothing_of_it_is_trained() -> None:
    assert not any(weight.requires_grad for weight in CamNetwork(network()).parameters())
