"""Encoded images and masks to pixels and labels; needs no torch, as drawing and writing do not."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

# What Pillow raises for a file that is not, or not completely, an image.
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def image_size(encoded: bytes) -> tuple[int, int]:
    """Return height and width in px, from the header alone."""
    with Image.open(io.BytesIO(encoded)) as image:
        return image.height, image.width


def decode_image(encoded: bytes) -> Image.Image:
    """Decode a JPEG or PNG to RGB; raises one of `DECODE_ERRORS`."""
    with Image.open(io.BytesIO(encoded)) as image:
        image.decodermaxblock = len(encoded)  # all at once, not in pieces of 64 kB
        image.load()
        # Converting from RGB to RGB would copy the pixels.
        return image if image.mode == "RGB" else image.convert("RGB")


def decode_mask(encoded: bytes) -> np.ndarray:
    """Decode a grey or palette PNG of labels to (H, W) uint8; raises one of `DECODE_ERRORS`."""
    with Image.open(io.BytesIO(encoded)) as image:
        if image.mode not in ("L", "P", "1"):
            raise ValueError(f"a mask is a grey or palette PNG of labels, not of mode {image.mode}")
        return np.array(image, dtype=np.uint8)


def encode_mask(labels: np.ndarray) -> bytes:
    """Encode (H, W) labels 0..255 as a grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8, casting="safe")).save(buffer, format="PNG")
    return buffer.getvalue()
