"""Overlaps by class, against scikit-learn's confusion; and what is said of absent classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import multilabel_confusion_matrix

from tests.toco_core.scoring.test_running_counts import CLASSES, SHOWN, images
from toco_core.cam.image_cam import all_classes
from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.scoring.class_pixels import ClassPixels
from toco_core.scoring.metrics import ConfusionMatrix
from toco_core.scoring.running_counts import HostCounts

LABELS = [*range(CLASSES + 1)]


def require_overlaps(pixels: ClassPixels, truth: np.ndarray, said: np.ndarray) -> None:
    (_, wrong), (missed, right) = multilabel_confusion_matrix(truth, said, labels=LABELS).transpose(
        1, 2, 0
    )
    np.testing.assert_allclose(pixels.precision, right / np.maximum(right + wrong, 1), rtol=1e-12)
    np.testing.assert_allclose(pixels.recall, right / (right + missed), rtol=1e-12)
    dice = 2 * right / (2 * right + wrong + missed)
    np.testing.assert_allclose(pixels.dice, dice, rtol=1e-12)
    np.testing.assert_allclose(pixels.iou, right / (right + wrong + missed), rtol=1e-12)


def test_a_confusion_matrix_has_the_overlaps_of_its_pixels() -> None:
    generator = torch.Generator().manual_seed(1)
    truth, said = (torch.randint(0, CLASSES + 1, (30, 40), generator=generator) for _ in range(2))
    said[said == 3] = 0  # shown, and never predicted: precision 0
    truth[:4] = 255
    pixels = ConfusionMatrix.of(truth, said, CLASSES + 1).pixels
    counted = truth != 255
    require_overlaps(pixels, truth[counted].numpy(), said[counted].numpy())
    assert pixels.precision[3] == 0


@pytest.mark.parametrize("bkg", [0.0, 0.3, 0.9])
def test_a_curve_has_them_at_each_threshold(bkg: float) -> None:
    counts = HostCounts(CLASSES, 255)
    truths: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for (maps, classes, truth), shown in zip(images(), SHOWN, strict=True):
        counts.add(maps, classes, truth)
        present = torch.zeros(1, CLASSES)
        present[0, shown] = 1
        said = cam_to_label(all_classes(maps, classes, CLASSES)[None], present, bkg)[0]
        counted = truth != 255
        truths.append(truth[counted].numpy())
        labels.append(said[counted].numpy())
    pixels = counts.histogram().curve().pixels(bkg)
    require_overlaps(pixels, np.concatenate(truths), np.concatenate(labels))


def test_a_class_that_is_not_shown_has_none_and_costs_the_one_that_it_was_taken_from() -> None:
    truth, said = torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 2, 1, 2]])
    pixels = ConfusionMatrix.of(truth, said, 3).pixels
    for values in (pixels.iou, pixels.dice, pixels.precision, pixels.recall):
        assert np.isnan(values).tolist() == [False, False, True]
    assert pixels.recall[:2].tolist() == [0.5, 0.5]
    assert pixels.precision[:2].tolist() == [1.0, 1.0]


def test_what_is_taken_for_a_class_in_an_image_without_it_counts_against_its_precision() -> None:
    shows = ConfusionMatrix.of(torch.tensor([1, 1]), torch.tensor([1, 1]), 2)
    lacks = ConfusionMatrix.of(torch.tensor([0, 0]), torch.tensor([1, 1]), 2)
    assert shows.pixels.precision[1] == 1
    assert (shows + lacks).pixels.precision[1] == 0.5
