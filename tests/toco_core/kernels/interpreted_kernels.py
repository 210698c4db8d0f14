"""The Triton kernels against their versions in tensors; `test_kernels` runs this file."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from toco_core.cam.pixel_affinity import (
    BANDWIDTH,
    POSITION_WEIGHT,
    TINY,
    nearness_weights,
    neighbour_offsets,
    pixel_affinity,
)
from toco_core.cam.refine import PixelAdaptiveRefinement
from toco_core.constants import constant
from toco_core.kernels import lattice, par
from toco_core.losses import permutohedral

CPU = torch.device("cpu")


@pytest.mark.parametrize(("height", "width"), [(20, 27), (3, 64), (13, 11)])
def test_weights_are_those_of_the_tensors(height: int, width: int) -> None:
    torch.manual_seed(0)
    images, dilations = torch.rand(2, 3, height, width), (1, 2, 4, 24)
    images[1, :, :5] = 0.5  # where nothing varies
    offsets = neighbour_offsets(dilations, CPU)
    nearness = POSITION_WEIGHT * nearness_weights(dilations, CPU)
    weights = par.neighbour_weights(images, offsets, nearness, BANDWIDTH, TINY)
    expected = pixel_affinity(images, dilations).flatten(1, 2).transpose(1, 2)
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("channels", [1, 5, 18])
def test_refined_masks_are_those_of_the_tensors(channels: int) -> None:
    torch.manual_seed(0)
    images, masks = torch.rand(2, 3, 14, 19), torch.rand(2, channels, 14, 19).softmax(dim=1)
    refiner = PixelAdaptiveRefinement(3, (1, 2, 8))
    offsets = neighbour_offsets(refiner.dilations, CPU)
    weights = pixel_affinity(images, refiner.dilations).flatten(1, 2).transpose(1, 2).contiguous()
    refined = masks
    for _ in range(refiner.num_iterations):
        refined = par.average_neighbours(refined, weights, offsets)
    torch.testing.assert_close(refined, refiner(images, masks), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dims", [1, 2, 3, 5, 7])
def test_corners_are_those_of_the_tensors(dims: int) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 150, dims) * 7
    scales = constant(permutohedral._unit_scales(dims), dtype=torch.float32, device=CPU)
    signed = map(permutohedral._signed, permutohedral.MULTIPLIERS[: dims + 1])
    keys, weights = lattice.enclosing_corners(features, scales, constant(signed, device=CPU))
    expected_keys, expected_weights = permutohedral._corners(features)
    # A point on a border between two simplices may fall to either: to the corner of weight 0.
    same = keys == expected_keys
    assert same.float().mean() > 0.99
    torch.testing.assert_close(weights[same], expected_weights[same], rtol=0, atol=1e-5)
    assert F.pad(weights[~same], (0, 1)).amax() < 1e-4
