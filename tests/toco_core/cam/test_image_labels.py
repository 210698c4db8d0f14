"""Pseudo-labels of one image: the definitions of the CAM's labels, and their refinement."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toco_core.cam.image_cam import all_classes
from toco_core.cam.image_labels import labels_from_cams, labels_from_logits
from toco_core.cam.pseudo_labels import cam_to_label
from toco_core.crf import DenseCRF

CLASSES = torch.tensor([1, 3])
COUNT = 4


def maps(seed: int = 0) -> Tensor:
    return torch.rand(2, 18, 20, generator=torch.Generator().manual_seed(seed))


def halves() -> Tensor:
    """Return an image, black at the left and white at the right."""
    image = torch.zeros(3, 18, 20, dtype=torch.uint8)
    image[:, :, 10:] = 255
    return image


@pytest.mark.parametrize(
    ("bkg", "low", "high"), [(0.4, None, None), (None, 0.3, 0.6), (0.0, None, None)]
)
def test_a_label_is_that_of_the_cam_of_all_classes(
    bkg: float | None, low: float | None, high: float | None
) -> None:
    cam = all_classes(maps(), CLASSES, COUNT)[None]
    class_labels = torch.tensor([[0.0, 1.0, 0.0, 1.0]])
    literal = cam_to_label(cam, class_labels, bkg, low=low, high=high)[0]
    labels = labels_from_cams(maps(), CLASSES, COUNT, bkg=bkg, low=low, high=high)
    assert torch.equal(labels, literal)
    assert set(labels.unique().tolist()) <= {0, 2, 4, 255}


def test_uncertain_pixels_get_the_ignore_index_of_the_dataset() -> None:
    labels = labels_from_cams(maps(), CLASSES, COUNT, low=0.3, high=0.6, ignore_index=200)
    assert (labels == 200).any()


def test_an_image_without_classes_is_background() -> None:
    none = torch.zeros(0, dtype=torch.long)
    labels = labels_from_cams(torch.zeros(0, 18, 20), none, COUNT, bkg=0.4, crf_pixels=halves())
    assert labels.shape == (18, 20)
    assert not labels.any()


@pytest.mark.crf
def test_the_crf_extends_a_cam_over_a_region_of_one_colour() -> None:
    cam = torch.zeros(2, 18, 20)
    cam[1, :, 10:12], cam[1, :, 12:] = 0.3, 0.9  # the white half begins at 10
    plain = labels_from_cams(cam, CLASSES, COUNT, bkg=0.5)
    refined = labels_from_cams(cam, CLASSES, COUNT, bkg=0.5, crf_pixels=halves())
    assert not plain[:, 10:12].any()
    assert (refined[:, 10:] == 4).all()
    assert not refined[:, :10].any()


@pytest.mark.crf
def test_after_the_crf_a_pixel_is_uncertain_where_the_thresholds_disagree() -> None:
    cam = maps()
    pixels = halves()
    strict, lenient = (
        labels_from_cams(cam, CLASSES, COUNT, bkg=bkg, crf_pixels=pixels) for bkg in (0.7, 0.3)
    )
    both = labels_from_cams(cam, CLASSES, COUNT, low=0.3, high=0.7, crf_pixels=pixels)
    disagree = (strict == 0) & (lenient > 0)
    assert disagree.any()
    assert torch.equal(both == 255, disagree)
    assert torch.equal(both[~disagree], strict[~disagree])


def test_of_a_segmentation_only_known_classes_and_background_compete() -> None:
    logits = torch.randn(COUNT + 1, 18, 20, generator=torch.Generator().manual_seed(0))
    known = labels_from_logits(logits, CLASSES)
    assert torch.equal(known, torch.tensor([0, 2, 4])[logits[[0, 2, 4]].argmax(dim=0)])
    assert torch.equal(labels_from_logits(logits, None), logits.argmax(dim=0))
    assert not labels_from_logits(logits, CLASSES[:0]).any()


@pytest.mark.crf
def test_the_crf_of_a_segmentation_sharpens_its_softmax() -> None:
    logits = torch.randn(COUNT + 1, 18, 20, generator=torch.Generator().manual_seed(0))
    marginals = DenseCRF()(halves().permute(1, 2, 0).numpy(), logits.softmax(dim=0).numpy())
    labels = labels_from_logits(logits, None, crf_pixels=halves())
    assert np.array_equal(labels.numpy(), marginals.argmax(axis=0))
