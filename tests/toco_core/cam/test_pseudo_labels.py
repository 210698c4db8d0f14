from __future__ import annotations

import pytest
import torch

from tests.toco_core.golden_files import golden
from toco_core.boxes import box_mask
from toco_core.cam.pseudo_labels import (
    cam_to_label,
    ignore_outside,
    mask_absent,
    token_affinity,
    token_labels,
    uncertainty_map,
)

FILE = golden("labels.npz")
CAM, CLASSES, BOXES = FILE["cam"], FILE["cls_label"], FILE["img_box"]
WHOLE = torch.tensor([[0, 64, 0, 72]] * 3)


def test_absent_classes_are_masked_like_the_authors() -> None:
    assert torch.equal(mask_absent(CAM, CLASSES), FILE["valid_cam"])


@pytest.mark.parametrize("bkg", [None, 0.5, 0.7])
def test_training_label_matches_the_authors_for_any_bkg_up_to_high(bkg: float | None) -> None:
    labels = cam_to_label(CAM, CLASSES, bkg, low=0.25, high=0.7, boxes=BOXES)
    assert torch.equal(labels, FILE["pseudo_label"].long())


def test_scored_label_matches_the_authors() -> None:
    assert torch.equal(cam_to_label(CAM, CLASSES, 0.5), FILE["eval_label"].long())


def test_uncertainty_map_matches_the_authors() -> None:
    assert torch.equal(uncertainty_map(CAM, CLASSES, 0.25, 0.7).short(), FILE["roi_mask"])


def test_token_labels_and_affinity_match_the_authors() -> None:
    labels = token_labels(CAM, CLASSES, 0.25, 0.7, WHOLE, (8, 9))
    assert torch.equal(labels, FILE["token_label"].long())
    assert torch.equal(token_affinity(labels).short(), FILE["affinity"])


def test_values_on_a_threshold_go_the_way_of_the_reference() -> None:
    cam = torch.tensor([0.25, 0.5, 0.75]).view(1, 1, 1, 3)
    one = torch.ones(1, 1)
    assert cam_to_label(cam, one, 0.5).tolist() == [[[0, 0, 1]]]
    assert cam_to_label(cam, one, low=0.25, high=0.5).tolist() == [[[0, 255, 1]]]
    assert uncertainty_map(cam, one, 0.25, 0.75).tolist() == [[[0, 1, 2]]]


def test_affinity_ignores_pairs_with_an_ignored_token_and_a_token_with_itself() -> None:
    expected = [[255, 1, 0, 255], [1, 255, 0, 255], [0, 0, 255, 255], [255, 255, 255, 255]]
    assert token_affinity(torch.tensor([[[3, 3], [0, 255]]])).tolist() == [expected]


def test_tokens_count_when_their_whole_patch_is_inside_the_box() -> None:
    cam, one = torch.ones(1, 1, 32, 32), torch.ones(1, 1)
    box = torch.tensor([[8, 32, 0, 23]])  # patches of 8: rows from 1, columns 0 and 1
    labels = token_labels(cam, one, 0.25, 0.7, box, (4, 4))
    assert (labels == 1).nonzero()[:, 1:].tolist() == [[r, c] for r in (1, 2, 3) for c in (0, 1)]


def test_unscaled_boxes_read_pixels_as_tokens() -> None:
    cam, one = torch.ones(1, 1, 32, 32), torch.ones(1, 1)
    box = torch.tensor([[2, 32, 0, 32]])
    labels = token_labels(cam, one, 0.25, 0.7, box, (4, 4), unscaled_boxes=True)
    assert (labels == 1).sum() == 8  # rows 2 and 3, where the scaled box keeps rows 1 to 3


@pytest.mark.parametrize("box", [[-5, 99, -5, 99], [0, 4, 0, 6]])
def test_a_box_as_large_as_the_image_or_larger_keeps_everything(box: list[int]) -> None:
    assert box_mask(torch.tensor([box]), (4, 6)).all()


@pytest.mark.parametrize("box", [[0, 0, 0, 6], [9, 12, 0, 6], [3, 1, 0, 6]])
def test_a_box_that_is_empty_or_outside_ignores_everything(box: list[int]) -> None:
    labels = ignore_outside(torch.zeros(1, 4, 6, dtype=torch.long), torch.tensor([box]))
    assert (labels == 255).all()


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (None, None, "no threshold"),
        (0.2, None, "only work together"),
        (0.7, 0.2, "low 0.7 must be"),
    ],
)
def test_thresholds_that_make_no_label_are_refused(
    low: float | None, high: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        cam_to_label(CAM, CLASSES, low=low, high=high)
