from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.scoring.metrics import ConfusionMatrix, ThresholdHistogram, threshold_curve

CLASSES = 3


def batch(seed: int = 0, images: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """CAM (B, C, H, W) with values on the thresholds too, labels (B, C), truth (B, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    cam = torch.rand(images, CLASSES, 12, 15, generator=generator)
    cam[:, :, :6] = (cam[:, :, :6] * 1000).round() / 1000
    cam[:, :, 0, :2] = torch.tensor([0.0, 1.0])
    class_labels = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])[:images]
    truth = torch.randint(0, CLASSES, (images, 12, 15), generator=generator)
    return cam, class_labels, truth.masked_fill(cam[:, 0] > 0.95, 255)


def test_curve_equals_literal_labelling_at_every_threshold() -> None:
    cam, class_labels, truth = batch()
    curve = threshold_curve(cam, class_labels, truth)
    for index, threshold in enumerate(curve.thresholds):
        labels = cam_to_label(cam, class_labels, float(threshold))
        literal = ConfusionMatrix.of(truth, labels, CLASSES + 1)
        assert np.array_equal(curve.iou[index], literal.iou, equal_nan=True)
        assert curve.miou[index] == pytest.approx(literal.miou, rel=1e-14)


def test_grid_is_zero_to_one_in_thousandths() -> None:
    thresholds = threshold_curve(*batch()).thresholds
    assert thresholds.tolist() == [i / 1000 for i in range(1001)]


def test_the_neighbours_of_every_threshold_are_told_apart() -> None:
    grid = torch.tensor([index / 1000 for index in range(1001)])
    infinity = torch.full_like(grid, torch.inf)
    values = torch.stack([grid, grid.nextafter(infinity), grid.nextafter(-infinity).clamp(min=0)])
    truth = torch.ones(1, *values.shape, dtype=torch.long)
    counted = ThresholdHistogram.of(values[None, None], torch.ones(1, 1), truth).outcomes[0, 0]
    expected = torch.bincount(torch.bucketize(values.flatten(), grid), minlength=1002)
    assert counted.tolist() == expected.tolist()


def test_where_two_classes_are_equally_strong_the_first_counts_as_in_a_label() -> None:
    cam = torch.full((1, CLASSES, 1, 4), 0.4)
    truth = torch.tensor([[[0, 1, 2, 3]]])
    class_labels = torch.tensor([[0.0, 1.0, 1.0]])
    literal = ConfusionMatrix.of(truth, cam_to_label(cam, class_labels, 0.3), CLASSES + 1)
    assert threshold_curve(cam, class_labels, truth).at(0.3) == literal.miou


def test_an_image_without_classes_is_background_at_every_threshold() -> None:
    cam, _, truth = batch()
    curve = threshold_curve(cam, torch.zeros(2, CLASSES), truth)
    assert (curve.iou[:, 0] == curve.iou[0, 0]).all()
    assert curve.iou[0, 0] == (truth == 0).sum() / (truth != 255).sum()


def test_shards_add_up_to_the_whole() -> None:
    cam, class_labels, truth = batch()
    whole = ThresholdHistogram.of(cam, class_labels, truth)
    parts = ThresholdHistogram.empty(CLASSES)
    for i in range(2):
        one = slice(i, i + 1)
        parts = parts + ThresholdHistogram.of(cam[one], class_labels[one], truth[one])
    assert np.array_equal(parts.outcomes, whole.outcomes)
    assert np.array_equal(parts.truth, whole.truth)
    assert whole.outcomes.dtype == whole.truth.dtype == np.int64


def test_best_is_the_highest_point_of_the_curve() -> None:
    curve = threshold_curve(*batch())
    best = curve.best()
    assert best.miou == curve.miou.max() == curve.at(best.threshold)


def test_a_threshold_between_two_of_the_grid_reads_the_nearest() -> None:
    curve = threshold_curve(*batch())
    assert curve.at(0.4503) == curve.miou[450]


def test_the_iou_of_the_classes_has_the_miou_as_its_mean() -> None:
    curve = threshold_curve(*batch())
    for bkg in (0.0, 0.31, 0.9):
        assert np.nanmean(curve.class_iou(bkg)) == pytest.approx(curve.at(bkg), rel=1e-14)


def test_a_class_that_the_truth_lacks_has_no_iou_even_if_something_was_taken_for_it() -> None:
    cam, class_labels, truth = batch()
    assert not (truth == 3).any()
    curve = threshold_curve(cam, class_labels, truth)
    assert curve.iou[100, 3] == 0.0
    assert np.isnan(curve.class_iou(0.1)).tolist() == [False, False, False, True]


def test_nothing_counted_has_no_best() -> None:
    best = ThresholdHistogram.empty(CLASSES).curve().best()
    assert np.isnan(best).all()


@pytest.mark.parametrize("wrong", [-1, CLASSES + 1, 200])
def test_a_true_label_that_is_no_class_is_refused(wrong: int) -> None:
    cam, class_labels, truth = batch()
    truth[0, 0, 5] = wrong
    with pytest.raises(ValueError, match=r"outside 0\.\.3"):
        threshold_curve(cam, class_labels, truth)
