"""Counts of single images: they add up to those of all, and score any images drawn from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.toco_core.scoring.test_running_counts import CLASSES, SHOWN, images
from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.scoring.image_counts import COARSE_STEPS, ImageCounts
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.scoring.running_counts import DeviceCounts, HostCounts, RunningCounts
from toco_core.scoring.thresholds import ThresholdHistogram

CPU = torch.device("cpu")


def counted(counts: RunningCounts) -> tuple[ThresholdHistogram, ImageCounts]:
    for maps, classes, truth in images():
        counts.add(maps, classes, truth)
    total, single = counts.histogram(), counts.by_image()
    assert single is not None
    return total, single


@pytest.fixture(scope="module")
def both() -> tuple[ThresholdHistogram, ImageCounts]:
    return counted(HostCounts(CLASSES, 255, keep=len(SHOWN)))


def test_all_images_once_have_the_curve_of_the_whole(
    both: tuple[ThresholdHistogram, ImageCounts],
) -> None:
    total, single = both
    curve = single.curves(np.ones((1, len(SHOWN))))[0]
    np.testing.assert_allclose(curve, total.curve().miou[::10], rtol=0, atol=1e-15)


def test_images_that_are_drawn_again_count_as_often(
    both: tuple[ThresholdHistogram, ImageCounts],
) -> None:
    weights = np.array([[2, 0, 1, 0], [0, 3, 0, 1], [0, 0, 1, 0]], float)
    curves = both[1].curves(weights)
    for row, drawn in zip(curves, weights, strict=True):
        for place in (0, 7, 50, 99, COARSE_STEPS):
            assert row[place] == pytest.approx(literal(drawn, place / COARSE_STEPS), abs=1e-12)


def literal(weights: np.ndarray, bkg: float) -> float:
    """Label the images at a threshold, each as often as it was drawn, and score them."""
    counts = ConfusionMatrix.empty(CLASSES + 1)
    for (maps, classes, truth), weight in zip(images(), weights, strict=True):
        cam = torch.zeros(1, CLASSES, *truth.shape)
        cam[0, classes] = maps
        present = F.one_hot(classes, CLASSES).sum(dim=0)[None].float()
        for _ in range(int(weight)):
            counts += ConfusionMatrix.of(truth[None], cam_to_label(cam, present, bkg), CLASSES + 1)
    return counts.miou


def test_images_that_show_nothing_have_no_score(
    both: tuple[ThresholdHistogram, ImageCounts],
) -> None:
    assert np.isnan(both[1].curves(np.zeros((1, len(SHOWN))))).all()


@pytest.mark.parametrize("keep", [1, 3, 4, 6])
def test_a_gpu_keeps_the_same_and_the_whole_does_not_change(keep: int) -> None:
    total, single = counted(DeviceCounts(CLASSES, 255, CPU, keep))
    host, expected = counted(HostCounts(CLASSES, 255, keep))
    plain = HostCounts(CLASSES, 255)
    for maps, classes, truth in images():
        plain.add(maps, classes, truth)
    assert plain.by_image() is None
    for one in (total, host):
        np.testing.assert_array_equal(one.outcomes, plain.histogram().outcomes)
        np.testing.assert_array_equal(one.truth, plain.histogram().truth)
    assert single.images == min(keep, len(SHOWN))
    for name in ("image", "label", "truth", "outcomes"):
        np.testing.assert_array_equal(getattr(single, name), getattr(expected, name))


def test_parts_join_to_the_counts_of_all(both: tuple[ThresholdHistogram, ImageCounts]) -> None:
    parts: list[ImageCounts] = []
    for one in images():
        counts = HostCounts(CLASSES, 255, keep=1)
        counts.add(*one)
        part = counts.by_image()
        assert part is not None
        parts.append(part)
    joined = ImageCounts.joined(parts)
    assert joined.images == len(SHOWN)
    for name in ("image", "label", "truth", "outcomes"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(both[1], name))
