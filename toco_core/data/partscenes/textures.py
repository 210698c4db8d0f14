"""Patterns of bodies and backgrounds: (S, S, 3) float32 in 0..1."""

from __future__ import annotations

import colorsys
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Texture = NDArray[np.float32]  # (S, S, 3)
Field = NDArray[np.float32]  # (S, S) in 0..1


def colour(hue: float, saturation: float, value: float) -> NDArray[np.float32]:
    """Return an RGB colour in 0..1; the hue, in turns, wraps."""
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), dtype=np.float32)


def smooth_noise(size: int, cells: int, rng: np.random.Generator) -> Field:
    """Return noise whose features are about size / cells pixels wide."""
    coarse = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    fine = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
    return np.clip(fine, 0, 1)


def _along(size: int, angle: float) -> Field:
    """Return the distance of each pixel along a direction, px."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    return columns * math.cos(angle) + rows * math.sin(angle)


def _waves(size: int, period: float, angle: float, phase: float) -> Field:
    waves = 0.5 + 0.5 * np.sin(_along(size, angle) * (2 * math.pi / period) + phase)
    return waves.astype(np.float32, copy=False)


def _pattern_field(pattern: str, size: int, rng: np.random.Generator) -> Field:
    """Return where the second colour of a pattern lies."""
    angle, phase = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi)
    period = rng.uniform(5, 9)
    match pattern:
        case "plain":
            return np.zeros((size, size), np.float32)
        case "stripes":
            return (_waves(size, period, angle, phase) > 0.5).astype(np.float32)
        case "dots":
            product = _waves(size, period, angle, phase) * _waves(
                size, period, angle + math.pi / 2, phase
            )
            return (product > 0.55).astype(np.float32)
        case "checker":
            one = _waves(size, 1.6 * period, angle, phase) > 0.5
            return (one ^ (_waves(size, 1.6 * period, angle + math.pi / 2, phase) > 0.5)).astype(
                np.float32
            )
        case "gradient":
            return _waves(size, rng.uniform(50, 90), angle, phase).astype(np.float32)
        case "speckle":
            return (rng.random((size, size)) > 0.7).astype(np.float32)
        case _:
            raise AssertionError(pattern)


def body_texture(pattern: str, hue: float, size: int, rng: np.random.Generator) -> Texture:
    """Return a body's texture: two shades of one hue in the given pattern."""
    saturation, value = rng.uniform(0.4, 0.9), rng.uniform(0.45, 0.9)
    other = value + 0.35 if value < 0.65 else value - 0.35
    field = _pattern_field(pattern, size, rng)[..., None]
    first = colour(hue, saturation, value)
    second = colour(hue + rng.uniform(-0.04, 0.04), saturation * 0.9, other)
    return (first * (1 - field) + second * field).astype(np.float32, copy=False)


def background_texture(background: str, size: int, rng: np.random.Generator) -> Texture:
    """Return a background: two muted colours mixed by large structure, finer noise on top."""
    first = colour(rng.random(), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.9))
    second = colour(rng.random(), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.9))
    angle, phase = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi)
    match background:
        case "clouds":
            field = smooth_noise(size, int(rng.integers(3, 7)), rng)
        case "slope":
            field = _waves(size, 2.5 * size, angle, phase)
        case "bands":
            field = _waves(size, rng.uniform(10, 22), angle, phase)
        case "tiles":
            period = rng.uniform(12, 24)
            field = _waves(size, period, angle, phase) * _waves(
                size, period, angle + math.pi / 2, phase
            )
        case _:
            raise AssertionError(background)
    field = 0.75 * field + 0.25 * smooth_noise(size, 16, rng)
    return (first + (second - first) * field[..., None]).astype(np.float32)
