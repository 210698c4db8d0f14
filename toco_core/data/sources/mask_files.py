"""Mask files as users have them, and the labels that they mean."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toco_core.data.images import DECODE_ERRORS, decode_mask, encode_mask
from toco_core.data.problems import RowError
from toco_core.data.schema import default_palette
from toco_core.data.storage import DatasetError
from toco_core.messages import first_line

IGNORE = 255
COLOURED = ("RGB", "RGBA")


def require_one_class(foreground: int | None, class_names: Sequence[str]) -> None:
    """Refuse a value of the foreground where it may stand for several classes.

    Raises:
        DatasetError: there are several.
    """
    if foreground is not None and len(class_names) > 1:
        raise DatasetError(f"--foreground is for one class, not for {len(class_names)}")


def label_mask(encoded: bytes, num_classes: int, foreground: int | None = None) -> bytes:
    """Return a mask as a PNG of labels; one that is one already comes back as it is.

    Args:
        encoded: a grey or palette PNG of labels, or one in the colours of VOC's palette.
        num_classes: C; the colours are those of 0..C and 255.
        foreground: the value that stands for the one class there is; None where 1 does.

    Raises:
        RowError: it cannot be decoded, or has a colour of no label.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            is_coloured = image.format == "PNG" and image.mode in COLOURED
        if is_coloured:
            labels = _of_colours(_pixels(encoded), num_classes, foreground)
        elif foreground is None:
            return encoded
        else:
            labels = decode_mask(encoded)
    except DECODE_ERRORS as error:
        raise RowError("corrupt mask", first_line(error)) from error
    if foreground is not None:
        labels = np.where(labels == foreground, np.uint8(1), labels)
    return encode_mask(labels)


def _pixels(encoded: bytes) -> NDArray[np.uint8]:
    """Decode a coloured PNG to (H, W, 3)."""
    with Image.open(io.BytesIO(encoded)) as image:
        pixels = np.asarray(image.convert("RGBA"))
    if pixels[..., 3].min(initial=255) < 255:
        raise ValueError("a mask has no transparent pixels")
    return pixels[..., :3]


def _of_colours(
    pixels: NDArray[np.uint8], num_classes: int, foreground: int | None
) -> NDArray[np.uint8]:
    """Return (H, W) labels of (H, W, 3) colours."""
    if foreground is not None and np.all(pixels == pixels[..., :1]):
        return pixels[..., 0].copy()  # grey in three channels, as OpenCV writes it
    palette = default_palette(IGNORE)
    labels = {palette[label]: label for label in (*range(num_classes + 1), IGNORE)}
    colours, places = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    known = [labels.get((int(red), int(green), int(blue))) for red, green, blue in colours]
    if None in known:
        colour = tuple(colours[known.index(None)].tolist())
        is_white = set(colour) == {IGNORE} and num_classes == 1
        hint = f"; if it stands for the one class, say --foreground {IGNORE}" if is_white else ""
        raise RowError(
            "label without a class",
            f"colour {colour} of the mask is none of VOC's palette for 0..{num_classes} and "
            f"{IGNORE}{hint}",
        )
    return np.array(known, np.uint8)[places].reshape(pixels.shape[:2])
