"""Encoded images and masks to pixels and labels; needs no torch, as drawing and writing do not.

Images and masks are as one sees them: turned as their EXIF says.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import ExifTags, Image
from PIL.Image import Transpose

# What Pillow raises for a file that is not, or not completely, an image.
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


# What EXIF's orientation asks for (version 2.3, tag 274); 1 is upright.
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
ON_THE_SIDE = (5, 6, 7, 8)  # width and height change places
EXIF_PLACES = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
GREY = 0  # the colour type of a PNG without colours


def image_size(encoded: bytes) -> tuple[int, int]:
    """Return height and width in px of the upright image, from the header alone."""
    with Image.open(io.BytesIO(encoded)) as image:
        if _orientation(image, encoded) in ON_THE_SIDE:
            return image.width, image.height
        return image.height, image.width


def is_turned(encoded: bytes) -> bool:
    """Whether EXIF says that the stored pixels are not upright."""
    with Image.open(io.BytesIO(encoded)) as image:
        return _orientation(image, encoded) in TURNS


def decode_image(encoded: bytes) -> Image.Image:
    """Decode a JPEG or PNG to upright RGB; raises one of `DECODE_ERRORS`."""
    with Image.open(io.BytesIO(encoded)) as image:
        image.decodermaxblock = len(encoded)  # all at once, not in pieces of 64 kB
        upright = _upright(image, encoded)
        if upright.mode == "I;16":  # converted as it is, all but the darkest 256 levels are white
            # The high byte, which is what Pillow takes of a colour of 16 bits.
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        # Converting from RGB to RGB would copy the pixels.
        return upright if upright.mode == "RGB" else upright.convert("RGB")


def decode_mask(encoded: bytes) -> np.ndarray:
    """Decode a grey or palette PNG of labels to (H, W) uint8; raises one of `DECODE_ERRORS`."""
    with Image.open(io.BytesIO(encoded)) as image:
        if image.format != "PNG" or image.mode not in ("L", "P", "1", "I;16"):
            found = f"of mode {image.mode}" if image.format == "PNG" else image.format
            raise ValueError(f"a mask is a grey or palette PNG of labels, not {found}")
        labels = np.array(_upright(image, encoded))
    if labels.max(initial=0) > 255:
        raise ValueError(f"label {labels[labels > 255][0]} of the mask is above 255")
    return labels.astype(np.uint8) // _step(encoded)


def _step(encoded: bytes) -> int:
    """Return the factor by which Pillow spreads the values of a grey PNG of few bits to 0..255."""
    bits, colours = encoded[24:26]  # of the PNG's header
    return 255 // (2**bits - 1) if colours == GREY and bits in (2, 4) else 1


def _upright(image: Image.Image, encoded: bytes) -> Image.Image:
    turn = TURNS.get(_orientation(image, encoded))
    image.load()
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image, encoded: bytes) -> int:
    """Return how EXIF says the image is turned, 1 for upright."""
    if image.format == "PNG" and b"eXIf" in encoded:
        image.load()  # it may stand behind the pixels
    if not EXIF_PLACES & image.info.keys():
        return 1
    try:
        # Not the PNG's own method, which decodes every image that has no EXIF.
        return Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except DECODE_ERRORS:
        return 1


def encode_mask(labels: np.ndarray) -> bytes:
    """Encode (H, W) labels 0..255 as a grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8, casting="safe")).save(buffer, format="PNG")
    return buffer.getvalue()
