"""Boxes, mirrors and colours of the views, and the authors' quirk of mirroring without the box."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageOps

import toco_core.data.augment.views as views_module
from toco_core.data.augment.colour import draw_colour, recolour, rotate_hue
from toco_core.data.augment.cropping import mirror, random_crop, random_resized_crop, random_span
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.augment.views import training_views
from toco_core.settings import Data


def gradient(width: int, height: int) -> Image.Image:
    """Make an image whose red tells the column and whose green tells the row; no pixel is black."""
    columns, rows = np.meshgrid(np.linspace(60, 250, width), np.linspace(60, 250, height))
    return Image.fromarray(np.stack([columns, rows, rows * 0 + 128], -1).astype(np.uint8))


def pixels(image: Image.Image) -> np.ndarray:
    return np.array(image).astype(int)  # (H, W, 3)


@contextmanager
def colours_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(views_module, "recolour", lambda image, colour: image)
        yield


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("size", [(100, 60), (30, 30), (20, 90), (64, 64)])
def test_the_box_is_exactly_the_part_that_is_not_padding(seed: int, size: tuple[int, int]) -> None:
    crop, (top, bottom, left, right) = random_crop(
        gradient(*size), 64, (0.5, 2.0), SampleRandom(seed)
    )
    shown = pixels(crop).max(-1) > 0  # (64, 64)
    expected = np.zeros((64, 64), bool)
    expected[top:bottom, left:right] = True
    np.testing.assert_array_equal(shown, expected)


def test_without_scaling_a_crop_shows_the_original_pixels() -> None:
    image = gradient(100, 80)
    crop, box = random_crop(image, 64, (1.0, 1.0), SampleRandom(1))
    assert box == (0, 64, 0, 64)
    windows = np.lib.stride_tricks.sliding_window_view(pixels(image), (64, 64, 3))
    assert (windows[:, :, 0] == pixels(crop)).all(axis=(2, 3, 4)).any()


def test_a_rescaled_crop_shows_the_rescaled_image() -> None:
    image = gradient(20, 20)
    crop, _ = random_crop(image, 32, (2.0, 2.0), SampleRandom(5))
    rescaled = pixels(image.resize((40, 40), Image.Resampling.BILINEAR))
    windows = np.lib.stride_tricks.sliding_window_view(rescaled, (32, 32, 3))[:, :, 0]
    inner = np.abs(windows - pixels(crop))[
        :, :, 2:-2, 2:-2
    ]  # the border has no neighbours to blend
    assert inner.max(axis=(2, 3, 4)).min() <= 1


def test_places_reach_both_ends() -> None:
    rng = SampleRandom(0)
    assert {random_span(10, 8, rng).source for _ in range(200)} == {0, 1, 2}
    assert {random_span(6, 8, rng).target for _ in range(200)} == {0, 1, 2}


def test_scales_cover_their_range() -> None:
    sides = []
    for seed in range(300):
        _, (top, bottom, _, _) = random_crop(gradient(50, 50), 200, (0.5, 2.0), SampleRandom(seed))
        sides.append(bottom - top)
    assert 25 <= min(sides) < 30
    assert 95 < max(sides) <= 100


def test_mirroring_takes_the_box_along() -> None:
    image, box = random_crop(gradient(30, 90), 64, (1.0, 1.0), SampleRandom(3))
    flipped, (_, _, left, right) = mirror(image, box)
    columns = np.flatnonzero(pixels(flipped).max(-1).max(0))
    assert (columns[0], columns[-1] + 1) == (left, right)
    assert mirror(flipped, (*box[:2], left, right)) == (image, box)


@pytest.mark.parametrize("seed", range(20))
def test_first_view_and_local_source_share_their_geometry(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with colours_kept(monkeypatch):
        views = training_views(gradient(50, 70), Data(crop_size=64), SampleRandom(seed))
    assert views.first == views.local_source
    top, bottom, left, right = views.box
    shown = pixels(views.first).max(-1) > 0
    assert shown[top:bottom, left:right].all()
    assert shown.sum() == (bottom - top) * (right - left)


def mirrored(view: Image.Image) -> bool:
    red = pixels(view)[..., 0].max(0)
    columns = np.flatnonzero(red)
    return bool(red[columns[0]] > red[columns[-1]])


def test_views_are_mirrored_half_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with colours_kept(monkeypatch):
        views = [
            training_views(gradient(64, 64), Data(crop_size=64), SampleRandom(s))
            for s in range(300)
        ]
    assert 110 < sum(mirrored(view.first) for view in views) < 190
    differ = sum(mirrored(view.first) != mirrored(view.second) for view in views)
    assert 110 < differ < 190


def test_nothing_is_mirrored_when_flip_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data(crop_size=64, flip=False)
    with colours_kept(monkeypatch):
        for seed in range(50):
            views = training_views(gradient(64, 64), data, SampleRandom(seed))
            assert not any(mirrored(view) for view in views[:3])


def test_the_quirk_mirrors_each_view_without_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data(crop_size=64, scale_range=(0.5, 0.9))
    disagree, outside = 0, 0
    with colours_kept(monkeypatch):
        for seed in range(200):
            views = training_views(gradient(64, 64), data, SampleRandom(seed), official_quirks=True)
            disagree += mirrored(views.first) != mirrored(views.local_source)
            top, bottom, left, right = views.box
            outside += not (pixels(views.first)[top:bottom, left:right].max(-1) > 0).all()
    assert 70 < disagree < 130
    assert 60 < outside < 130


def test_views_depend_on_the_seed_alone() -> None:
    torch.manual_seed(0)
    first = training_views(gradient(50, 70), Data(crop_size=64), SampleRandom(7))
    torch.manual_seed(1)
    np.random.default_rng().random()
    assert training_views(gradient(50, 70), Data(crop_size=64), SampleRandom(7)) == first
    assert training_views(gradient(50, 70), Data(crop_size=64), SampleRandom(8)) != first


@pytest.mark.parametrize("turn", [-0.1, -0.03, 0.0, 0.07, 0.1])
def test_hue_is_that_of_torchvision(turn: float) -> None:
    image: Any = gradient(40, 30)  # torchvision's annotations know tensors only
    assert rotate_hue(image, turn) == F.adjust_hue(image, turn)


def test_resized_crops_keep_size_and_cover_the_share_asked_for() -> None:
    image = gradient(64, 64)
    shares = []
    for seed in range(200):
        part = random_resized_crop(image, (0.4, 1.0), SampleRandom(seed))
        assert part.size == image.size
        spans = np.ptp(pixels(part).reshape(-1, 3), axis=0)[:2] / 190  # of columns, of rows
        shares.append(float(spans.prod()))
    assert 0.35 < min(shares) < 0.5
    assert max(shares) > 0.9
    assert len(set(shares)) > 100


def recoloured(image: Image.Image, seed: int) -> Image.Image:
    return recolour(image, draw_colour(SampleRandom(seed), image.width, blurred=0.0, solarised=0.0))


def test_colours_change_as_often_as_published() -> None:
    image = gradient(32, 32)
    jittered = [recoloured(image, seed) for seed in range(500)]
    unchanged = sum(view == image for view in jittered)
    grey = sum(bool((np.ptp(pixels(view), axis=-1) == 0).all()) for view in jittered)
    assert 60 < unchanged < 100  # 0.2 * 0.8
    assert 75 < grey < 125  # 0.2


def test_solarising_inverts_the_bright_half() -> None:
    image = gradient(32, 32)
    colour = draw_colour(SampleRandom(0), 32, blurred=0.0, solarised=1.0)
    plain = colour._replace(order=(), grey=False)
    assert recolour(image, plain) == ImageOps.solarize(image, 128)
    assert recolour(image, plain._replace(solarised=False)) == image


def test_a_blur_scales_with_the_image() -> None:
    def softened(size: int) -> float:
        stripes = np.zeros((8, size, 3), np.uint8)
        stripes[:, size // 2 :] = 255
        image = Image.fromarray(stripes)
        drawn = [draw_colour(SampleRandom(n), size, blurred=1.0, solarised=0.0) for n in range(20)]
        blurs = [colour._replace(order=(), grey=False) for colour in drawn]
        edges = [pixels(recolour(image, blur))[0, :, 0] for blur in blurs]
        return float(np.mean([((edge > 10) & (edge < 245)).sum() for edge in edges]))

    assert softened(1344) > 2 * softened(448) > 0
    assert softened(16) == 0


def test_draws_are_uniform_and_repeatable() -> None:
    ours, theirs = SampleRandom(3), SampleRandom(3)
    numbers = [ours.uniform(2, 4) for _ in range(1000)]
    assert numbers == [theirs.uniform(2, 4) for _ in range(1000)]
    assert 2 <= min(numbers) < 2.02
    assert 3.98 < max(numbers) < 4
    assert sorted(ours.shuffled(5)) == list(range(5))
    assert {ours.integer(2) for _ in range(100)} == {0, 1, 2}
