"""Whether encoded images and masks are what they should be, pixel by pixel; needs no torch."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toco_core.data.images import DECODE_ERRORS, decode_image, decode_mask, is_turned
from toco_core.data.mask_tally import MaskLabels
from toco_core.data.problems import RowError
from toco_core.data.shards import Row
from toco_core.messages import first_line

# MPO is a JPEG with a second picture behind it, as some cameras write.
IMAGE_FORMATS = ("JPEG", "MPO", "PNG")


def validate_row(row: Row, num_classes: int, ignore_index: int = 255) -> MaskLabels | None:
    """Decode the image of a row, and its mask if there is one.

    Returns:
        What the mask shows; None without a mask.

    Raises:
        RowError: image or mask cannot be decoded or do not fit each other, or a label no class.
    """
    foreign = [label for label in row.labels if not 1 <= label <= num_classes]
    if foreign:
        raise RowError("label without a class", f"label {foreign[0]} is not in 1..{num_classes}")
    size = validate_image(row.image)
    if row.mask is None:
        return None
    labels = _labels(row.mask)
    require_size(labels.shape, size, row.image)
    return _shown(labels, num_classes, ignore_index)


def validate_image(encoded: bytes) -> tuple[int, int]:
    """Decode an image to its last pixel and return the height and width of it upright, px.

    Raises:
        RowError: it is neither JPEG nor PNG, or not complete.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            if image.format not in IMAGE_FORMATS:
                raise ValueError(f"{image.format} is neither JPEG nor PNG")
        upright = decode_image(encoded)
        return upright.height, upright.width
    except DECODE_ERRORS as error:
        raise RowError("corrupt image", first_line(error)) from error


def require_size(mask: tuple[int, ...], size: tuple[int, int], image: bytes) -> None:
    """Require a mask to be of the size of its image, px.

    Raises:
        RowError: it is not; says so if EXIF turns the image, since tools differ in that.
    """
    if mask != size:
        turned = ", turned as its EXIF says," if is_turned(image) else ""
        raise RowError("mask of another size", f"the mask is {mask} px, the image{turned} {size}")


def _labels(encoded: bytes) -> NDArray[np.uint8]:
    try:
        return decode_mask(encoded)
    except DECODE_ERRORS as error:
        raise RowError("corrupt mask", first_line(error)) from error


def _shown(labels: NDArray[np.uint8], num_classes: int, ignore_index: int) -> MaskLabels:
    shown = np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist()
    foreign = [label for label in shown if label > num_classes and label != ignore_index]
    if foreign:
        raise RowError(
            "label without a class",
            f"label {foreign[0]} of the mask is neither 0..{num_classes} nor {ignore_index}",
        )
    classes = frozenset(label for label in shown if 0 < label <= num_classes)
    return MaskLabels(classes, has_void=ignore_index in shown)
