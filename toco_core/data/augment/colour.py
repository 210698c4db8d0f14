"""Random changes of colour and sharpness, which leave the geometry of an image alone.

Strengths and probabilities are those of the authors' views, which are DINO's. The images are
Pillow's 8-bit ones: on a CPU that takes half to a third of the time of torchvision's tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor

from toco_core.data.augment.sample_random import SampleRandom

# Standard deviation of the blur, px of an image of the published side; it scales with the image.
BLUR_SIGMA = (0.1, 2.0)
BLUR_SIDE = 448
# Below this a Gaussian moves no 8-bit value: a neighbour weighs exp(-1 / (2 sigma^2)) < 0.0004.
SHARP_SIGMA = 0.25


class Colour(NamedTuple):
    """What is done to the colours and the sharpness of one view, in this order."""

    order: tuple[int, ...]  # of brightness, contrast, saturation, hue; empty without jitter
    factors: tuple[float, float, float, float]  # of these four, hue as a part of a full turn
    grey: bool
    sigma: float  # of the blur, px; 0 for none
    solarised: bool


def draw_colour(rng: SampleRandom, side: int, *, blurred: float, solarised: float) -> Colour:
    """Draw the colours of a view.

    Args:
        rng: random numbers of the sample.
        side: of the view, px; the blur scales with it.
        blurred: probability of a blur.
        solarised: probability that bright values are inverted.
    """
    order, factors = _draw_jitter(rng) if rng.chance(0.8) else ((), (1.0, 1.0, 1.0, 0.0))
    grey = rng.chance(0.2)
    sigma = rng.uniform(*BLUR_SIGMA) * side / BLUR_SIDE if rng.chance(blurred) else 0.0
    is_solarised = solarised > 0 and rng.chance(solarised)
    return Colour(order, factors, grey, 0.0 if sigma < SHARP_SIGMA else sigma, is_solarised)


def _draw_jitter(
    rng: SampleRandom,
) -> tuple[tuple[int, ...], tuple[float, float, float, float]]:
    brightness, contrast = rng.uniform(0.6, 1.4), rng.uniform(0.6, 1.4)
    saturation, hue = rng.uniform(0.8, 1.2), rng.uniform(-0.1, 0.1)
    return tuple(rng.shuffled(4)), (brightness, contrast, saturation, hue)


def recolour(image: Image.Image, colour: Colour) -> Image.Image:
    """Change an RGB image as it was drawn."""
    changes = (
        lambda image, by: ImageEnhance.Brightness(image).enhance(by),
        lambda image, by: ImageEnhance.Contrast(image).enhance(by),
        lambda image, by: ImageEnhance.Color(image).enhance(by),
        rotate_hue,
    )
    for index in colour.order:
        image = changes[index](image, colour.factors[index])
    image = ImageOps.grayscale(image).convert("RGB") if colour.grey else image
    image = image.filter(ImageFilter.GaussianBlur(colour.sigma)) if colour.sigma else image
    return ImageOps.solarize(image, 128) if colour.solarised else image


def rotate_hue(image: Image.Image, turn: float) -> Image.Image:
    """Rotate the hue of an RGB image by this part of a full turn."""
    pixels = np.array(image.convert("HSV"))  # (H, W, 3)
    pixels[..., 0] += np.uint8(int(turn * 255) % 256)  # 256 levels are a full turn: it may wrap
    return Image.fromarray(pixels, mode="HSV").convert("RGB")


def blur_taps(sigma: float) -> NDArray[np.float64]:
    """Return the weights of Pillow's blur: in the middle, and 1, 2, ... px from it.

    Pillow takes three box blurs, whose width is no whole number of pixels (Gwosdek et al., 2011),
    in place of a Gaussian.
    """
    variance = sigma * sigma / 3  # of one box
    whole = int((math.sqrt(12 * variance + 1) - 1) / 2)
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    radius = whole + part / (6 * (variance - (whole + 1) ** 2))
    inner = 1 / (2 * radius + 1)
    edge = (1 - (2 * whole + 1) * inner) / 2
    box = np.array([edge, *[inner] * (2 * whole + 1), edge])
    taps = np.convolve(np.convolve(box, box), box)
    return taps[len(taps) // 2 :]


class ColourTable(NamedTuple):
    """The colours of N views as a GPU reads them, see `toco_core.kernels.colour`."""

    orders: Tensor  # (N, 4) int32
    factors: Tensor  # (N, 4) float32
    flags: Tensor  # (N, 2) int32
    taps: Tensor  # (N, R + 1) float32

    @classmethod
    def of(cls, colours: Sequence[Colour], side: int) -> ColourTable:
        """Tabulate colours of views of `side` px."""
        reach = len(blur_taps(BLUR_SIGMA[1] * side / BLUR_SIDE))
        taps = np.zeros((len(colours), reach))
        for row, colour in zip(taps, colours, strict=True):
            weights = blur_taps(colour.sigma)
            row[: len(weights)] = weights
        return cls(
            torch.tensor([[*c.order, -1, -1, -1, -1][:4] for c in colours], dtype=torch.int32),
            torch.tensor([c.factors for c in colours], dtype=torch.float32),
            torch.tensor([[c.grey, c.solarised] for c in colours], dtype=torch.int32),
            torch.from_numpy(taps).float(),
        )
