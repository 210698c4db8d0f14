"""Random changes of colour and sharpness, which leave the geometry of an image alone.

Strengths and probabilities are those of the authors' views, which are DINO's. The images are
Pillow's 8-bit ones: on a CPU that takes half to a third of the time of torchvision's tensors.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from toco_core.data.augment.sample_random import SampleRandom

# Standard deviation of the blur, px of an image of the published side; it scales with the image.
BLUR_SIGMA = (0.1, 2.0)
BLUR_SIDE = 448
# Below this a Gaussian moves no 8-bit value: a neighbour weighs exp(-1 / (2 sigma^2)) < 0.0004.
SHARP_SIGMA = 0.25


def jitter(image: Image.Image, rng: SampleRandom) -> Image.Image:
    """Jitter brightness, contrast, saturation, hue in random order (at 0.8); drop colour (0.2)."""
    if rng.chance(0.8):
        image = _jitter(image, rng)
    return ImageOps.grayscale(image).convert("RGB") if rng.chance(0.2) else image


def _jitter(image: Image.Image, rng: SampleRandom) -> Image.Image:
    brightness, contrast = rng.uniform(0.6, 1.4), rng.uniform(0.6, 1.4)
    saturation, hue = rng.uniform(0.8, 1.2), rng.uniform(-0.1, 0.1)
    changes = (
        lambda image: ImageEnhance.Brightness(image).enhance(brightness),
        lambda image: ImageEnhance.Contrast(image).enhance(contrast),
        lambda image: ImageEnhance.Color(image).enhance(saturation),
        lambda image: rotate_hue(image, hue),
    )
    for index in rng.shuffled(len(changes)):
        image = changes[index](image)
    return image


def rotate_hue(image: Image.Image, turn: float) -> Image.Image:
    """Rotate the hue of an RGB image by this part of a full turn."""
    pixels = np.array(image.convert("HSV"))  # (H, W, 3)
    pixels[..., 0] += np.uint8(int(turn * 255) % 256)  # 256 levels are a full turn: it may wrap
    return Image.fromarray(pixels, mode="HSV").convert("RGB")


def blur(image: Image.Image, rng: SampleRandom, probability: float) -> Image.Image:
    """Blur with a Gaussian of random width, which scales with the image, at this probability."""
    if not rng.chance(probability):
        return image
    sigma = rng.uniform(*BLUR_SIGMA) * image.width / BLUR_SIDE
    return image if sigma < SHARP_SIGMA else image.filter(ImageFilter.GaussianBlur(sigma))


def solarise(image: Image.Image, rng: SampleRandom, probability: float) -> Image.Image:
    """Invert all values from 128 on, at this probability."""
    return ImageOps.solarize(image, 128) if rng.chance(probability) else image
