"""Pictures of the image, the CAM in the colours of its classes, a segmentation, and the truth."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = tuple[int, int, int]

SIDE = 224  # px; the longer side of a panel at least, so that a 64 px image can be looked at
GUTTER = 6  # px of white between panels
BACKDROP = 0.45  # brightness of the grey image below colours
STRENGTH = 0.75  # opacity of a colour where the CAM is 1, or where the truth has a class
IGNORED: Colour = (255, 255, 255)
IGNORE_INDEX = 255


def overlay(
    image: NDArray[np.uint8],
    cam: NDArray[np.floating],
    mask: NDArray[np.integer] | None,
    palette: Sequence[Colour],
    segmentation: NDArray[np.integer] | None = None,
) -> bytes:
    """Draw an image, its CAM, its segmentation and the truth side by side.

    Args:
        image: (H, W, 3) uint8 RGB.
        cam: (C, H, W) in 0..1, already zero for absent classes. The strongest class gives the
            colour, its value the opacity.
        mask: (H, W) labels: 0 background, 1..C classes, 255 ignored (drawn white); None leaves
            the panel of the truth out.
        palette: C + 1 RGB colours, background first.
        segmentation: (H, W) labels like those of `mask`; None leaves its panel out.

    Returns:
        PNG bytes.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    labels = [one for one in (segmentation, mask) if one is not None]
    _check_shapes(image, cam, labels, palette)
    panels = [image, _cam_panel(image, cam, palette)]
    panels += [_label_panel(image, one, palette) for one in labels]
    return _png(_side_by_side([_enlarged(panel) for panel in panels]))


def _check_shapes(
    image: NDArray[np.uint8],
    cam: NDArray[np.floating],
    labels: Sequence[NDArray[np.integer]],
    palette: Sequence[Colour],
) -> None:
    size = image.shape[:2]
    if image.shape != (*size, 3) or cam.ndim != 3 or cam.shape[1:] != size:
        raise ValueError(f"image {image.shape} and cam {cam.shape} are not (H, W, 3) and (C, H, W)")
    for mask in labels:
        if mask.shape != size:
            raise ValueError(f"mask {mask.shape} does not have the size {size} of the image")
    if len(palette) != len(cam) + 1:
        raise ValueError(
            f"palette has {len(palette)} colours; {len(cam)} classes and background need"
            f" {len(cam) + 1}"
        )


def _cam_panel(
    image: NDArray[np.uint8], cam: NDArray[np.floating], palette: Sequence[Colour]
) -> NDArray[np.uint8]:
    colours = np.asarray(palette, np.float32)[cam.argmax(axis=0) + 1]  # (H, W, 3)
    opacity = STRENGTH * cam.max(axis=0).clip(0.0, 1.0)  # (H, W)
    return _blend(_backdrop(image), colours, opacity)


def _label_panel(
    image: NDArray[np.uint8], mask: NDArray[np.integer], palette: Sequence[Colour]
) -> NDArray[np.uint8]:
    colours = np.full((IGNORE_INDEX + 1, 3), IGNORED, np.float32)
    colours[: len(palette)] = palette
    opacity = STRENGTH * (mask != 0)  # (H, W)
    return _blend(_backdrop(image), colours[mask], opacity)


def _backdrop(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)  # (H, W)
    return BACKDROP * np.repeat(grey[..., None], 3, axis=2)


def _blend(
    below: NDArray[np.floating], above: NDArray[np.floating], opacity: NDArray[np.floating]
) -> NDArray[np.uint8]:
    weight = opacity[..., None]  # (H, W, 1)
    return ((1.0 - weight) * below + weight * above).round().astype(np.uint8)


def _enlarged(panel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = -(-SIDE // max(panel.shape[:2]))  # a whole number keeps the pixels square
    return panel.repeat(factor, axis=0).repeat(factor, axis=1) if factor > 1 else panel


def _side_by_side(panels: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    gap = np.full((panels[0].shape[0], GUTTER, 3), 255, np.uint8)
    parts = [part for panel in panels for part in (gap, panel)][1:]
    return np.concatenate(parts, axis=1)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
