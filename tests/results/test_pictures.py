from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from platform.results.pictures import overlay

PALETTE = [(0, 0, 0), (200, 0, 0), (0, 200, 0)]
BLACK = np.zeros((2, 4, 3), np.uint8)  # enlarged 56 times to 112 x 224


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)))


def panel(picture: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    """Return one panel, a pixel of the picture for a pixel of the image: (2, 4, 3)."""
    begin = index * (224 + 6)
    return picture[28::56, begin + 28 : begin + 224 : 56]


def test_the_panels_are_the_image_the_cam_and_the_truth() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    cam = np.zeros((2, 2, 4))
    picture = pixels(overlay(image, cam, np.zeros((2, 4), np.uint8), PALETTE))
    assert picture.shape == (112, 3 * 224 + 2 * 6, 3)
    assert (panel(picture, 0) == image).all()
    assert (picture[:, 224:230] == 255).all()


def test_the_strongest_class_gives_the_colour_and_its_value_the_opacity() -> None:
    cam = np.zeros((2, 2, 4))
    cam[0, 0, 0], cam[1, 0, 0] = 1.0, 0.2
    cam[1, 1, 3] = 0.5
    shown = panel(pixels(overlay(BLACK, cam, None, PALETTE)), 1)
    assert shown[0, 0].tolist() == [150, 0, 0]
    assert shown[1, 3].tolist() == [0, 75, 0]
    assert shown[0, 1].tolist() == [0, 0, 0]


def test_the_truth_shows_classes_background_and_ignored_pixels() -> None:
    mask = np.array([[0, 1, 2, 255]] * 2, np.uint8)
    shown = panel(pixels(overlay(BLACK, np.zeros((2, 2, 4)), mask, PALETTE)), 2)
    assert shown[0].tolist() == [[0, 0, 0], [150, 0, 0], [0, 150, 0], [191, 191, 191]]


def test_a_segmentation_stands_between_the_cam_and_the_truth() -> None:
    segmentation = np.full((2, 4), 2, np.uint8)
    truth = np.ones((2, 4), np.uint8)
    picture = pixels(overlay(BLACK, np.zeros((2, 2, 4)), truth, PALETTE, segmentation))
    assert panel(picture, 2)[0, 0].tolist() == [0, 150, 0]
    assert panel(picture, 3)[0, 0].tolist() == [150, 0, 0]


def test_without_a_truth_there_are_two_panels() -> None:
    picture = pixels(overlay(BLACK, np.zeros((2, 2, 4)), None, PALETTE))
    assert picture.shape == (112, 2 * 224 + 6, 3)


def test_a_large_image_keeps_its_size() -> None:
    picture = overlay(np.zeros((300, 448, 3), np.uint8), np.zeros((2, 300, 448)), None, PALETTE)
    assert pixels(picture).shape == (300, 2 * 448 + 6, 3)


@pytest.mark.parametrize(
    ("cam", "mask", "colours", "message"),
    [
        (np.zeros((2, 4, 2)), None, 3, r"image \(2, 4, 3\) and cam \(2, 4, 2\)"),
        (np.zeros((2, 2, 4)), np.zeros((4, 2), np.uint8), 3, r"mask \(4, 2\)"),
        (np.zeros((2, 2, 4)), None, 2, "palette has 2 colours; 2 classes and background need 3"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    cam: NDArray[np.float64], mask: NDArray[np.uint8] | None, colours: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        overlay(BLACK, cam, mask, PALETTE[:colours])
