"""95 % Hausdorff distance: every pair of edge pixels, one by one, on small masks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from toco_core.scoring.hausdorff import hausdorff_distances, mean_distances


def edge(mask: np.ndarray) -> list[tuple[int, int]]:
    """List the pixels of a mask with a neighbour that is not in it, or that the image lacks."""
    padded = np.pad(mask, 1)
    return [(y, x) for y, x in np.argwhere(mask).tolist() if not padded[y : y + 3, x : x + 3].all()]


def literal_distance(true: np.ndarray, said: np.ndarray) -> float:
    def one_way(ones: list[tuple[int, int]], others: list[tuple[int, int]]) -> float:
        nearest = [min(math.dist(one, other) for other in others) for one in ones]
        return float(np.percentile(nearest, 95))

    return max(one_way(edge(true), edge(said)), one_way(edge(said), edge(true)))


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_all_pairs_of_edge_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, said = (np.kron(rng.integers(0, 3, (4, 5)), np.ones((6, 6), int)) for _ in range(2))
    truth[9:11] = 255
    said[3:8, 4:20] = 3  # which the truth does not show
    distances = hausdorff_distances(truth, said, 5, 255)
    assert np.isnan(distances[[0, 3, 4]]).all()
    for label in (1, 2):
        expected = literal_distance(truth == label, (said == label) & (truth != 255))
        assert distances[label] == pytest.approx(expected)
        assert expected > 0


def test_a_shift_is_as_far_as_it_is() -> None:
    truth, said = np.zeros((2, 20, 30), int)
    truth[5:10, 5:15], said[5:10, 9:19] = 1, 1
    assert hausdorff_distances(truth, said, 2, 255)[1] == 4
    assert hausdorff_distances(truth, truth, 2, 255)[1] == 0


def test_a_class_that_was_not_found_is_as_far_off_as_the_image_is_wide() -> None:
    truth = np.zeros((3, 4), int)
    truth[1, 1] = 1
    assert hausdorff_distances(truth, np.zeros_like(truth), 2, 255)[1] == 5


def test_images_without_a_class_have_no_part_in_its_mean() -> None:
    by_image = np.array([[np.nan, 2.0, np.nan], [np.nan, np.nan, np.nan], [np.nan, 4.0, np.nan]])
    np.testing.assert_array_equal(mean_distances(by_image), [np.nan, 3.0, np.nan])
