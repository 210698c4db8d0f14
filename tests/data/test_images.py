"""What pixels and labels a file holds: as its format says, whatever Pillow makes of it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.noise_dataset import CLASS_NAMES, encode
from tests.data.pictures import grey_png, turned
from toco_core.data.images import decode_image, decode_mask, image_size
from toco_core.data.problems import RowError
from toco_core.data.reader import open_dataset
from toco_core.data.shards import Row
from toco_core.data.validation import validate_image, validate_row
from toco_core.data.writer import write_dataset

# A bright top left corner, darker to the right, darkest below it: each of eight turns differs.
CORNERS = np.zeros((16, 32, 3), np.uint8)
CORNERS[:8, :8], CORNERS[:8, -8:], CORNERS[-8:, :8] = 240, 160, 80
# EXIF 2.3, tag 274: what is done to the stored pixels to see them upright.
UPRIGHT = {
    1: CORNERS,
    2: CORNERS[:, ::-1],
    3: CORNERS[::-1, ::-1],
    4: CORNERS[::-1],
    5: CORNERS.transpose(1, 0, 2),
    6: np.rot90(CORNERS, -1),
    7: np.rot90(CORNERS.transpose(1, 0, 2), 2),
    8: np.rot90(CORNERS),
    9: CORNERS,  # no orientation
}


@pytest.mark.parametrize("suffix", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_image_is_turned_as_its_exif_says(orientation: int, suffix: str) -> None:
    encoded = turned(CORNERS, orientation, suffix)
    expected = UPRIGHT[orientation]
    pixels = np.array(decode_image(encoded)).astype(int)
    assert image_size(encoded) == validate_image(encoded) == expected.shape[:2]
    assert np.abs(pixels - expected).max() < 20


def test_an_orientation_behind_the_pixels_of_a_png_counts_too() -> None:
    encoded = turned(CORNERS, 6, "PNG")
    start = encoded.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(encoded[start : start + 4], "big")
    last = len(encoded) - 12  # IEND
    moved = encoded[:start] + encoded[end:last] + encoded[start:end] + encoded[last:]
    assert image_size(moved) == (32, 16)
    assert np.array_equal(np.array(decode_image(moved)), UPRIGHT[6])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's, when it opens the file
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0junk"])
def test_exif_that_cannot_be_read_turns_nothing(exif: bytes) -> None:
    buffer = io.BytesIO()
    Image.fromarray(CORNERS).save(buffer, format="JPEG", exif=exif)
    assert np.array(decode_image(buffer.getvalue())).shape == CORNERS.shape
    assert image_size(buffer.getvalue()) == (16, 32)


def test_a_mask_lies_on_the_turned_image(tmp_path: Path) -> None:
    mask = np.zeros((32, 16), np.uint8)  # of the image as one sees it
    mask[:8, -8:] = 1
    row = Row("photo", turned(CORNERS, 6), [1], encode(mask))
    write_dataset(tmp_path, {"tune": [row]}, class_names=CLASS_NAMES, source="noise")
    split = open_dataset(tmp_path).split("tune")
    pixels = np.array(split.image(split.row(0)))[..., 0]
    (labels,) = split.masks([0], purpose="scoring")
    assert pixels[labels.numpy() == 1].min() > 200
    assert pixels[labels.numpy() == 0].max() < 200


def test_a_mask_of_the_image_before_it_is_turned_is_told_so() -> None:
    row = Row("photo", turned(CORNERS, 6), [1], encode(np.zeros((16, 32), np.uint8)))
    with pytest.raises(
        RowError, match=r"is \(16, 32\) px, the image, turned as its EXIF says, \(32, 16\)"
    ):
        validate_row(row, 3)


def test_a_grey_image_of_16_bits_is_scaled_to_8() -> None:
    values = np.array([[0, 255, 256, 12_800, 32_767, 65_535]])
    pixels = np.array(decode_image(grey_png(values, 16)))
    assert pixels[0].tolist() == [[level] * 3 for level in (0, 0, 1, 50, 127, 255)]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_grey_mask_holds_its_values_whatever_its_bits(bits: int) -> None:
    labels = np.arange(2**bits).reshape(1, -1)
    assert np.array_equal(decode_mask(grey_png(labels, bits)), labels)


def test_a_mask_of_16_bits_is_read_if_its_labels_fit_into_8() -> None:
    labels = np.array([[0, 7, 255]])
    decoded = decode_mask(grey_png(labels, 16))
    assert (decoded.tolist(), decoded.dtype) == (labels.tolist(), np.uint8)
    with pytest.raises(ValueError, match=r"label 256 of the mask is above 255"):
        decode_mask(grey_png(labels + 1, 16))


def test_a_lossy_mask_is_no_mask() -> None:
    buffer = io.BytesIO()
    Image.fromarray(CORNERS[..., 0]).save(buffer, format="JPEG")
    with pytest.raises(ValueError, match="a mask is a grey or palette PNG of labels, not JPEG"):
        decode_mask(buffer.getvalue())


def test_no_message_shows_where_an_object_lies_in_memory() -> None:
    with pytest.raises(RowError) as error:
        validate_image(b"text")
    assert error.value.detail == "cannot identify image file"
