"""The Triton kernels against their versions in tensors; `test_kernels` runs this file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

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
from toco_core.data.augment.colour import Colour, ColourTable, draw_colour, recolour
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.images import normalisation, normalise, to_pixels
from toco_core.kernels import colour, lattice, par
from toco_core.losses import lattice_corners

CPU = torch.device("cpu")
AS_PIXELS = (torch.ones(3), torch.zeros(3))  # no normalisation


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
    scales = constant(lattice_corners.unit_scales(dims), dtype=torch.float32, device=CPU)
    signed = map(lattice_corners.signed, lattice_corners.MULTIPLIERS[: dims + 1])
    keys, weights = lattice.enclosing_corners(features, scales, constant(signed, device=CPU))
    expected_keys, expected_weights = lattice_corners._corners(features)
    # A point on a border between two simplices may fall to either: to the corner of weight 0.
    same = keys == expected_keys
    assert same.float().mean() > 0.99
    torch.testing.assert_close(weights[same], expected_weights[same], rtol=0, atol=1e-5)
    assert F.pad(weights[~same], (0, 1)).amax() < 1e-4


PLAIN = Colour((), (1.0, 1.0, 1.0, 0.0), grey=False, sigma=0.0, solarised=False)


@pytest.mark.parametrize(
    "change",
    [
        PLAIN,
        PLAIN._replace(order=(0,), factors=(1.3, 1.0, 1.0, 0.0)),
        PLAIN._replace(order=(1,), factors=(1.0, 0.7, 1.0, 0.0)),
        PLAIN._replace(order=(2,), factors=(1.0, 1.0, 1.2, 0.0)),
        PLAIN._replace(order=(3,), factors=(1.0, 1.0, 1.0, 0.08)),
        PLAIN._replace(order=(3,), factors=(1.0, 1.0, 1.0, -0.08)),
        PLAIN._replace(grey=True),
        PLAIN._replace(solarised=True),
        PLAIN._replace(sigma=1.5),
        PLAIN._replace(sigma=0.4),
    ],
)
def test_a_view_has_the_colours_that_pillow_gives_it(change: Colour) -> None:
    image = picture()
    table = ColourTable.of([change], 448)
    got = colour.coloured_views(to_pixels(image)[None].contiguous(), *table, *AS_PIXELS)[0]
    difference = (got - to_pixels(recolour(image, change)).float()).abs()
    if change.sigma:  # Pillow rounds, and goes on beyond the border, in each of six passes
        assert difference.max() <= 8
        assert difference.mean() < 1
    else:  # a hue may fall to either side of a level
        assert (difference > 0).float().mean() < 0.005


def test_drawn_views_have_the_moments_of_pillow_s() -> None:
    image = picture()
    drawn = [draw_colour(SampleRandom(seed), 448, blurred=0.5, solarised=0.2) for seed in range(16)]
    pixels = to_pixels(image)[None].repeat(16, 1, 1, 1).contiguous()
    got = colour.coloured_views(pixels, *ColourTable.of(drawn, 448), *AS_PIXELS)
    expected = torch.stack([to_pixels(recolour(image, each)) for each in drawn]).float()
    for moment in (torch.mean, torch.std):
        ours, theirs = moment(got, dim=(0, 2, 3)), moment(expected, dim=(0, 2, 3))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0.2)
    assert (got - expected).abs().mean() < 0.3


def test_views_are_normalised() -> None:
    pixels = to_pixels(picture())[None].contiguous()
    got = colour.coloured_views(pixels, *ColourTable.of([PLAIN], 448), *normalisation(pixels))
    torch.testing.assert_close(got, normalise(pixels), rtol=1e-5, atol=1e-5)


def picture() -> Image.Image:
    colours = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((24, 20), Image.Resampling.BICUBIC)
