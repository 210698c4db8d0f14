"""Boundary IoU: the literal erosions, pixel by pixel, on small masks."""

from __future__ import annotations

import numpy as np
import pytest

from toco_core.scoring.boundary import boundary_pixels, rim, rim_width


def eroded(mask: np.ndarray) -> np.ndarray:
    """Keep the pixels whose eight neighbours are in the mask; beyond the image there is nothing."""
    height, width = mask.shape
    kept = np.zeros_like(mask)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            kept[y, x] = mask[y - 1 : y + 2, x - 1 : x + 2].all()
    return kept


def literal_rim(mask: np.ndarray, width: int) -> np.ndarray:
    inner = mask
    for _ in range(width):
        inner = eroded(inner)
    return mask & ~inner


@pytest.fixture(scope="module")
def labels() -> tuple[np.ndarray, np.ndarray]:
    """Truth and prediction of blocks, not of single pixels, so that some have an inside."""
    rng = np.random.default_rng(0)
    truth, said = (np.kron(rng.integers(0, 3, (4, 5)), np.ones((6, 6), int)) for _ in range(2))
    truth[9:11] = 255
    said[3:8, 4:20] = 3  # which the truth does not show
    return truth, said


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_rim_is_what_erosions_take_away(
    labels: tuple[np.ndarray, np.ndarray], width: int
) -> None:
    for label in range(4):
        mask = labels[1] == label
        np.testing.assert_array_equal(rim(mask, width), literal_rim(mask, width))
    assert rim(np.ones((9, 9), bool), 1).sum() == 32  # the border of the image is an edge


def test_rims_are_counted_where_the_truth_is_known(
    labels: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, said = labels
    width = rim_width(*truth.shape)
    pixels = boundary_pixels(truth, said, 4, 255)
    for label in range(4):
        true = literal_rim(truth == label, width)
        predicted = literal_rim((said == label) & (truth != 255), width)
        assert pixels.truth[label] == true.sum()
        assert pixels.predicted[label] == predicted.sum()
        assert pixels.right[label] == (true & predicted).sum()
    assert np.isnan(pixels.iou).tolist() == [False, False, False, True]
    assert (boundary_pixels(truth, truth, 4, 255).iou[:3] == 1).all()


def test_a_rim_is_two_hundredths_of_the_diagonal_wide() -> None:
    assert (rim_width(375, 500), rim_width(64, 64), rim_width(3, 4)) == (12, 2, 1)
