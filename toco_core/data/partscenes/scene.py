"""Compose scenes of several objects, and pictures of one object for pretraining."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from toco_core.data.partscenes import classes, outlines, textures
from toco_core.data.partscenes.classes import CLASSES

IGNORE = 255
# A class that shows fewer pixels, or less of its part, than this is not named in the labels; its
# pixels are ignored.
MIN_VISIBLE_SHARE = 0.018  # of the image
MIN_VISIBLE_PART = 0.6
MAX_OVERLAP = 0.35  # of the smaller of two bodies
EDGE = (0.25, 0.75)  # alpha between these: the void border that VOC draws around its objects

Image = NDArray[np.uint8]  # (S, S, 3)
Mask = NDArray[np.uint8]  # (S, S)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is random in one object but its place: the body's look, and the part it carries."""

    class_index: int | None  # None: a body of no class
    part: str | None
    hue: float
    pattern: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A picture with its pixel labels (0 background, class + 1, 255).

    `labels` are the classes that it is labelled with, 1-based.
    """

    image: Image
    mask: Mask
    labels: list[int]


@dataclass
class _Canvas:
    """The picture so far, and for each pixel the object that is in front (-1: none)."""

    image: NDArray[np.float32]  # (S, S, 3)
    front: NDArray[np.int64]  # (S, S)
    edge: NDArray[np.bool_]  # (S, S)
    looks: list[Look] = field(default_factory=list)
    part_areas: list[NDArray[np.bool_]] = field(default_factory=list)
    body_areas: list[NDArray[np.bool_]] = field(default_factory=list)


def _leaning(
    wanted: str, others: tuple[str, ...], probability: float, rng: np.random.Generator
) -> str:
    return wanted if rng.random() < probability else others[rng.integers(len(others))]


def object_look(class_index: int, rng: np.random.Generator) -> Look:
    """Draw the look of an object of a class."""
    kind = CLASSES[class_index]
    leaning = rng.random() < classes.HUE_LEANING
    return Look(
        class_index=class_index,
        part=kind.part,
        hue=kind.hue + rng.uniform(-0.06, 0.06) if leaning else rng.random(),
        pattern=_leaning(kind.pattern, classes.PATTERNS, classes.PATTERN_LEANING, rng),
        body=_leaning(kind.body, classes.BODIES, classes.BODY_LEANING, rng),
    )


def foreign_look(rng: np.random.Generator, part: str | None = None) -> Look:
    """Draw the look of a body that belongs to no class."""
    return Look(
        class_index=None,
        part=part,
        hue=rng.random(),
        pattern=classes.PATTERNS[rng.integers(len(classes.PATTERNS))],
        body=classes.BODIES[rng.integers(len(classes.BODIES))],
    )


def _blank(background: str, size: int, rng: np.random.Generator) -> _Canvas:
    return _Canvas(
        image=textures.background_texture(background, size, rng),
        front=np.full((size, size), -1),
        edge=np.zeros((size, size), bool),
    )


def _part_colour(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return nearly black or nearly white, with a tint.

    A part stands out, and its colour says nothing.
    """
    value = rng.uniform(0.0, 0.15) if rng.random() < 0.5 else rng.uniform(0.9, 1.0)
    return textures.colour(rng.random(), rng.uniform(0, 0.25), value)


def _too_close(canvas: _Canvas, area: NDArray[np.bool_]) -> bool:
    return any(
        (area & other).sum() > MAX_OVERLAP * min(area.sum(), other.sum())
        for other in canvas.body_areas
    )


def _paint(
    canvas: _Canvas, look: Look, centre: outlines.Points, radius: float, rng: np.random.Generator
) -> bool:
    """Put an object in front of what is there.

    Refuses, and changes nothing, where it would hide too much.
    """
    size, angle = canvas.front.shape[0], rng.uniform(0, 2 * math.pi)
    body = outlines.body_alpha(look.body, centre, radius, angle, size, rng)
    area = body > 0.5
    if not area.any() or _too_close(canvas, area):
        return False
    texture = textures.body_texture(look.pattern, look.hue, size, rng)
    canvas.image += body[..., None] * (texture - canvas.image)
    part = np.zeros_like(body)
    if look.part is not None:
        offset = rng.uniform(-0.28, 0.28, 2) * radius
        tilt = rng.uniform(-0.5, 0.5)
        part = outlines.part_alpha(
            look.part, centre + offset, radius * rng.uniform(0.42, 0.58), tilt, size
        )
        part = part * body
        canvas.image += part[..., None] * (_part_colour(rng) - canvas.image)
    canvas.edge &= ~area
    if look.class_index is not None:
        canvas.edge |= (body > EDGE[0]) & (body < EDGE[1])
    canvas.front[area] = len(canvas.looks)
    canvas.looks.append(look)
    canvas.body_areas.append(area)
    canvas.part_areas.append(part > 0.5)
    return True


def _finish(canvas: _Canvas, rng: np.random.Generator) -> Image:
    """Light the picture from one side and add the noise of a sensor."""
    size = canvas.front.shape[0]
    light = 0.8 + 0.4 * textures.smooth_noise(size, 3, rng)[..., None]
    noise = rng.normal(0, 0.025, canvas.image.shape)
    return (np.clip(canvas.image * light + noise, 0, 1) * 255).astype(np.uint8)


def _is_labelled(canvas: _Canvas, index: int) -> bool:
    visible = canvas.front == index
    part = canvas.part_areas[index]
    enough = visible.sum() >= MIN_VISIBLE_SHARE * visible.size
    return bool(enough and (visible & part).sum() >= MIN_VISIBLE_PART * max(part.sum(), 1))


def _annotate(canvas: _Canvas) -> tuple[Mask, list[int]]:
    objects = [
        (i, look.class_index) for i, look in enumerate(canvas.looks) if look.class_index is not None
    ]
    labels = sorted({index + 1 for i, index in objects if _is_labelled(canvas, i)})
    mask = np.zeros(canvas.front.shape, np.uint8)
    for i, index in objects:
        mask[canvas.front == i] = index + 1 if index + 1 in labels else IGNORE
    mask[canvas.edge] = IGNORE
    return mask, labels


def _classes_of_a_scene(rng: np.random.Generator) -> list[int]:
    count = int(rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15]))
    chosen = [int(c) for c in rng.choice(len(CLASSES), size=count, replace=False)]
    for index in list(chosen):
        companion = CLASSES[index].companion
        if companion is not None and companion not in chosen and rng.random() < 0.5:
            chosen.append(companion)
    return chosen[:3]


def _background_of_a_scene(chosen: list[int], rng: np.random.Generator) -> str:
    liked = [kind for index in chosen if (kind := CLASSES[index].background) is not None]
    anything = classes.BACKGROUNDS[rng.integers(len(classes.BACKGROUNDS))]
    return liked[0] if liked and rng.random() < classes.BACKGROUND_LEANING else anything


def _draw(rng: np.random.Generator, size: int) -> Scene:
    chosen = _classes_of_a_scene(rng)
    canvas = _blank(_background_of_a_scene(chosen, rng), size, rng)
    foreign = [
        foreign_look(rng, str(rng.choice(classes.FOREIGN_PARTS)) if rng.random() < 0.5 else None)
        for _ in range(int(rng.integers(0, 2)))
    ]
    twice = [chosen[0]] if rng.random() < 0.2 else []
    looks = [*foreign, *(object_look(index, rng) for index in chosen + twice)]
    smallest, largest = (0.24, 0.4) if len(chosen) == 1 else (0.2, 0.32)
    for look in looks:
        for _ in range(6):
            radius = size * rng.uniform(smallest, largest)
            if _paint(canvas, look, rng.uniform(0.2, 0.8, 2) * size, radius, rng):
                break
    mask, labels = _annotate(canvas)
    return Scene(image=_finish(canvas, rng), mask=mask, labels=labels)


def draw_scene(seed: int, split: str, index: int, size: int = 64) -> Scene:
    """Draw scene `index` of a split, with at least one label.

    It depends on the arguments alone.
    """
    for attempt in range(100):
        rng = np.random.default_rng([seed, *split.encode(), index, attempt])
        scene = _draw(rng, size)
        if scene.labels:
            return scene
    raise AssertionError("a hundred scenes without one visible object")


def draw_object(rng: np.random.Generator, size: int = 64) -> tuple[Image, Look]:
    """Draw a picture of one object, of any part, for pretraining.

    It stands in for a picture of ImageNet.
    """
    part = classes.ALL_PARTS[rng.integers(len(classes.ALL_PARTS))]
    known = part in classes.CLASS_NAMES
    look = object_look(classes.CLASS_NAMES.index(part), rng) if known else foreign_look(rng, part)
    while True:  # a body of no class in the middle may leave no room: then another picture
        canvas = _blank(classes.BACKGROUNDS[rng.integers(len(classes.BACKGROUNDS))], size, rng)
        if rng.random() < 0.4:
            radius = size * rng.uniform(0.1, 0.25)
            _paint(canvas, foreign_look(rng), rng.uniform(0, 1, 2) * size, radius, rng)
        radius = size * rng.uniform(0.2, 0.42)
        if _paint(canvas, look, rng.uniform(0.35, 0.65, 2) * size, radius, rng):
            return _finish(canvas, rng), look
