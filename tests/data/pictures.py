"""Pictures of rectangles, each in the colour of its class, on a background of noise."""

from __future__ import annotations

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from toco_core.data.schema import default_palette

COLOURS = np.array(default_palette(90), np.uint8)


class Box(NamedTuple):
    """An object: rows top:bottom, columns left:right."""

    label: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)


class Picture(NamedTuple):
    pixels: np.ndarray  # (H, W, 3) uint8
    boxes: tuple[Box, ...]  # later ones cover earlier ones

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def labels(self) -> set[int]:
        return {box.label for box in self.boxes}

    def mask(self) -> np.ndarray:
        mask = np.zeros(self.size, np.uint8)
        for box in self.boxes:
            mask[box.top : box.bottom, box.left : box.right] = box.label
        return mask

    def jpeg(self) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, format="JPEG", quality=90)
        return buffer.getvalue()


def draw_picture(random: np.random.Generator, labels: list[int]) -> Picture:
    """Draw an object of each label; the second, smaller one may lie on the first."""
    height, width = random.integers(60, 80, 2).tolist()
    pixels = random.integers(90, 160, (height, width, 3), dtype=np.uint8)
    boxes: list[Box] = []
    for number, label in enumerate(labels):
        side = 36 // (number + 1)
        top, left = random.integers(0, (height - side, width - side)).tolist()
        boxes.append(Box(label, top, left, top + side, left + side))
        pixels[top : top + side, left : left + side] = COLOURS[label]
    return Picture(pixels, tuple(boxes))


def palette_png(mask: np.ndarray) -> bytes:
    """Encode a mask as VOC does."""
    image = Image.fromarray(mask, mode="P")
    image.putpalette(np.pad(COLOURS, ((0, 256 - len(COLOURS)), (0, 0))).ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def grey_png(values: np.ndarray, bits: int) -> bytes:
    """Encode (H, W) values as a grey PNG of 1, 2, 4, 8 or 16 bits, which Pillow cannot write."""
    height, width = values.shape
    spread = values[..., None] >> np.arange(bits - 1, -1, -1) & 1  # (H, W, bits)
    rows = np.packbits(spread.reshape(height, width * bits).astype(np.uint8), axis=1)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    pixels = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())  # no filter in any row
    parts = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def turned(pixels: np.ndarray, orientation: int, suffix: str = "JPEG") -> bytes:
    """Encode pixels as a camera that was held otherwise: an EXIF tag says how to turn them."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=suffix, exif=exif, quality=95)
    return buffer.getvalue()
