"""Outlines of bodies and parts as alpha masks, drawn large and reduced for smooth edges."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SUPERSAMPLING = 4

Alpha = NDArray[np.float32]  # (S, S) in 0..1
Points = NDArray[np.float64]  # (N, 2) as x, y


def place(points: Points, centre: Points, radius: float, angle: float) -> list[tuple[float, float]]:
    """Turn points of the unit disc by `angle` radians and put them around `centre`."""
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = points @ np.array([[cosine, sine], [-sine, cosine]]) * radius + centre
    return [(float(x), float(y)) for x, y in turned]


def arc(start: float, stop: float, radius: float = 1.0, steps: int = 24) -> Points:
    """Return points on a circle from `start` to `stop` turns."""
    angles = np.linspace(start, stop, steps) * 2 * math.pi
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius


def polygons_to_alpha(polygons: list[tuple[list[tuple[float, float]], int]], size: int) -> Alpha:
    """Fill polygons given in pixels of the final image, in order, with 1 or (to cut a hole) 0."""
    canvas = Image.new("L", (size * SUPERSAMPLING, size * SUPERSAMPLING))
    draw = ImageDraw.Draw(canvas)
    for points, value in polygons:
        draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points], fill=255 * value)
    return np.asarray(canvas.reduce(SUPERSAMPLING), dtype=np.float32) / np.float32(255)


# -- parts: polygons of the unit disc, each filled (1) or cut out (0) --

Outline = list[tuple[Points, int]]


def _star() -> Outline:
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.42)[:, None]
    return [(arc(0, 0.9, steps=10) * radii, 1)]


def _bar(x0: float, y0: float, x1: float, y1: float) -> Points:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _zigzag() -> Outline:
    top = [[-1.0, -0.2], [-0.5, -0.9], [0.0, -0.2], [0.5, -0.9], [1.0, -0.2]]
    return [(np.array(top + [[x, y + 0.75] for x, y in reversed(top)]), 1)]


def _arrow() -> Outline:
    shaft = [[-1, 0.22], [-1, -0.22], [0.1, -0.22]]
    return [(np.array([*shaft, [0.1, -0.75], [1, 0], [0.1, 0.75], [0.1, 0.22]]), 1)]


PARTS: dict[str, Callable[[], Outline]] = {
    "ring": lambda: [(arc(0, 1), 1), (arc(0, 1, 0.52), 0)],
    "cross": lambda: [(_bar(-1, -0.3, 1, 0.3), 1), (_bar(-0.3, -1, 0.3, 1), 1)],
    "star": _star,
    "zigzag": _zigzag,
    "crescent": lambda: [(arc(0, 1), 1), (arc(0, 1, 0.85) + np.array([0.5, 0.0]), 0)],
    "triangle": lambda: [(arc(0, 2 / 3, 1.1, steps=3), 1)],
    "eyes": lambda: [
        (arc(0, 1, 0.46) - np.array([0.54, 0]), 1),
        (arc(0, 1, 0.46) + np.array([0.54, 0]), 1),
    ],
    "arrow": _arrow,
    "bars": lambda: [(_bar(x - 0.18, -0.9, x + 0.18, 0.9), 1) for x in (-0.7, 0.0, 0.7)],
    "hourglass": lambda: [(np.array([[-0.8, -0.9], [0.8, -0.9], [-0.8, 0.9], [0.8, 0.9]]), 1)],
    "half_disc": lambda: [(arc(0, 0.5), 1)],
    "frame": lambda: [(_bar(-0.9, -0.9, 0.9, 0.9), 1), (_bar(-0.5, -0.5, 0.5, 0.5), 0)],
}


def part_alpha(part: str, centre: Points, radius: float, angle: float, size: int) -> Alpha:
    """Draw a part of the given radius, px."""
    return polygons_to_alpha(
        [(place(points, centre, radius, angle), value) for points, value in PARTS[part]()], size
    )


# -- bodies --


def _blob(rng: np.random.Generator) -> list[Points]:
    angles = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    radii = np.full(32, 0.8)
    for frequency in (2, 3, 5):
        radii += rng.uniform(0.03, 0.14) * np.cos(frequency * angles + rng.uniform(0, 2 * math.pi))
    return [np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]]


def _bean(_: np.random.Generator) -> list[Points]:
    return [arc(0, 1, 0.68) - np.array([0.32, 0.12]), arc(0, 1, 0.58) + np.array([0.4, 0.2])]


BODY_OUTLINES: dict[str, Callable[[np.random.Generator], list[Points]]] = {
    "ellipse": lambda rng: [arc(0, 1) * np.array([1.0, rng.uniform(0.6, 0.9)])],
    "box": lambda rng: [_bar(-0.9, -1.0, 0.9, 1.0) * np.array([1.0, rng.uniform(0.55, 0.85)])],
    "blob": _blob,
    "hexagon": lambda _: [arc(0, 5 / 6, 0.95, steps=6)],
    "bean": _bean,
}


def _limb(rng: np.random.Generator) -> Points:
    length, width = rng.uniform(1.05, 1.45), rng.uniform(0.12, 0.22)
    return np.array([[0, -width], [length, -width * 0.7], [length, width * 0.7], [0, width]])


def body_alpha(
    body: str, centre: Points, radius: float, angle: float, size: int, rng: np.random.Generator
) -> Alpha:
    """Draw a body of the given radius, px, with up to three limbs sticking out of it."""
    polygons = [place(points, centre, radius, angle) for points in BODY_OUTLINES[body](rng)]
    polygons += [
        place(_limb(rng), centre, radius, rng.uniform(0, 2 * math.pi))
        for _ in range(int(rng.integers(0, 4)))
    ]
    return polygons_to_alpha([(points, 1) for points in polygons], size)
