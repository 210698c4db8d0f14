"""Colours and sharpness of the views of a batch, on a GPU.

`toco_core.data.augment.colour` is the reference, with Pillow's 8-bit images: every change is
rounded as Pillow rounds it. Four kernels do what takes a processor 40 ms an image.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

PIXELS = 512  # of a program


def coloured_views(
    images: Tensor,
    orders: Tensor,
    factors: Tensor,
    flags: Tensor,
    taps: Tensor,
    scale: Tensor,
    shift: Tensor,
) -> Tensor:
    """Change the colours of images, then normalise them.

    Args:
        images: (N, 3, H, W) uint8 on a GPU, contiguous.
        orders: (N, 4) int32: brightness 0, contrast 1, saturation 2, hue 3, in the order in which
            they are changed; -1 for none.
        factors: (N, 4) float32: of these four; hue as a part of a full turn.
        flags: (N, 2) int32: whether colour is dropped, and whether bright values are inverted.
        taps: (N, R + 1) float32: weights of the blur, in the middle and 1 to R px from it.
        scale: (3,) float32: of the normalisation, pixel * scale + shift.
        shift: (3,) float32.

    Returns:
        (N, 3, H, W) float32.
    """
    count, _, height, width = images.shape
    blocks = triton.cdiv(height * width, PIXELS)
    sums = torch.empty(count, blocks, device=images.device)
    jitter = (images, orders, factors)
    size = {"size": height * width, "PIXELS": PIXELS}
    _grey_sums[(blocks, count)](*jitter, sums, blocks, **size)
    means = torch.floor(sums.sum(dim=1) / (height * width) + 0.5)  # (N,)
    changed = torch.empty_like(images)
    _jitter[(blocks, count)](*jitter, flags, means, changed, **size)
    rows = torch.empty(images.shape, device=images.device)
    reach = taps.shape[1] - 1
    _blur_rows[(blocks, 3 * count)](changed, taps, rows, reach, width, **size)
    views = torch.empty_like(rows)
    by = (flags, scale, shift)
    _blur_columns[(blocks, 3 * count)](rows, taps, *by, views, reach, width, **size)
    return views


@triton.jit
def _round(x):
    return tl.floor(x + 0.5)


@triton.jit
def _clip(x):
    return tl.minimum(tl.maximum(x, 0.0), 255.0)


@triton.jit
def _grey(red, green, blue):
    return _round((red * 19595 + green * 38470 + blue * 7471) / 65536)


@triton.jit
def _blend(start, value, factor):
    """Move from a value towards another, as Pillow's enhancers do."""
    return tl.floor(_clip(start + factor * (value - start)))


@triton.jit
def _rotate_hue(red, green, blue, turn):
    """Rotate the hue by way of 8-bit hue and saturation, as Pillow has them."""
    most = tl.maximum(red, tl.maximum(green, blue))
    least = tl.minimum(red, tl.minimum(green, blue))
    chroma = most - least
    divisor = tl.where(chroma == 0, 1.0, chroma)
    sector = tl.where(
        red == most,
        (green - blue) / divisor,
        tl.where(green == most, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    hue = sector / 6 + 1
    hue = tl.floor((hue - tl.floor(hue)) * 255)
    saturation = tl.floor(chroma / tl.where(most == 0, 1.0, most) * 255)
    shift = tl.floor(tl.abs(turn) * 255)
    hue = hue + tl.where(turn < 0, 256 - shift, shift)
    hue = tl.where(chroma == 0, shift * 0, hue)
    hue = hue - 256 * tl.floor(hue / 256)
    # And back.
    place = hue * 6 / 255
    whole = tl.floor(place)
    rest = place - whole
    strength = saturation / 255
    low = _clip(_round(most * (1 - strength)))
    falling = _clip(_round(most * (1 - strength * rest)))
    rising = _clip(_round(most * (1 - strength * (1 - rest))))
    part = whole - 6 * tl.floor(whole / 6)
    new_red = tl.where(
        (part == 0) | (part == 5),
        most,
        tl.where(part == 1, falling, tl.where(part == 4, rising, low)),
    )
    new_green = tl.where(
        (part == 1) | (part == 2),
        most,
        tl.where(part == 0, rising, tl.where(part == 3, falling, low)),
    )
    new_blue = tl.where(
        (part == 3) | (part == 4),
        most,
        tl.where(part == 2, rising, tl.where(part == 5, falling, low)),
    )
    is_grey = saturation == 0
    return (
        tl.where(is_grey, most, new_red),
        tl.where(is_grey, most, new_green),
        tl.where(is_grey, most, new_blue),
    )


@triton.jit
def _change(red, green, blue, kind, factor, mean):
    """Change brightness 0, contrast 1, saturation 2 or hue 3; anything else changes nothing."""
    start = tl.where(kind == 1, mean, 0.0)
    start = tl.where(kind == 2, _grey(red, green, blue), start)
    turned_red, turned_green, turned_blue = _rotate_hue(red, green, blue, factor)
    is_blend, is_turn = (kind >= 0) & (kind < 3), kind == 3
    new_red = tl.where(is_blend, _blend(start, red, factor), red)
    new_green = tl.where(is_blend, _blend(start, green, factor), green)
    new_blue = tl.where(is_blend, _blend(start, blue, factor), blue)
    return (
        tl.where(is_turn, turned_red, new_red),
        tl.where(is_turn, turned_green, new_green),
        tl.where(is_turn, turned_blue, new_blue),
    )


@triton.jit
def _load(images, image, size, PIXELS: tl.constexpr):
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < size
    plane = images + image * 3 * size + pixel
    red = tl.load(plane, mask=inside, other=0).to(tl.float32)
    green = tl.load(plane + size, mask=inside, other=0).to(tl.float32)
    blue = tl.load(plane + 2 * size, mask=inside, other=0).to(tl.float32)
    return red, green, blue, pixel, inside


@triton.jit
def _grey_sums(images, orders, factors, sums, blocks, size, PIXELS: tl.constexpr):
    """Sum the grey values that the change of contrast will find: (N, blocks)."""
    image = tl.program_id(1).to(tl.int64)
    red, green, blue, _, inside = _load(images, image, size, PIXELS)
    is_before = 1
    for slot in tl.static_range(4):
        kind = tl.load(orders + image * 4 + slot)
        is_before = is_before * (kind != 1).to(tl.int32)
        factor = tl.load(factors + image * 4 + tl.maximum(kind, 0))
        now = tl.where(is_before == 1, kind, -1)
        red, green, blue = _change(red, green, blue, now, factor, 0.0)
    total = tl.sum(tl.where(inside, _grey(red, green, blue), 0.0), axis=0)
    tl.store(sums + image * blocks + tl.program_id(0), total)


@triton.jit
def _jitter(images, orders, factors, flags, means, changed, size, PIXELS: tl.constexpr):
    image = tl.program_id(1).to(tl.int64)
    red, green, blue, pixel, inside = _load(images, image, size, PIXELS)
    mean = tl.load(means + image)
    for slot in tl.static_range(4):
        kind = tl.load(orders + image * 4 + slot)
        factor = tl.load(factors + image * 4 + tl.maximum(kind, 0))
        red, green, blue = _change(red, green, blue, kind, factor, mean)
    is_grey = tl.load(flags + image * 2) == 1
    grey = _grey(red, green, blue)
    plane = changed + image * 3 * size + pixel
    tl.store(plane, tl.where(is_grey, grey, red).to(tl.uint8), mask=inside)
    tl.store(plane + size, tl.where(is_grey, grey, green).to(tl.uint8), mask=inside)
    tl.store(plane + 2 * size, tl.where(is_grey, grey, blue).to(tl.uint8), mask=inside)


@triton.jit
def _blur_rows(images, taps, rows, reach, width, size, PIXELS: tl.constexpr):
    plane = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < size
    pixel = tl.minimum(pixel, size - 1)
    weights = taps + plane // 3 * (reach + 1)
    column = pixel % width
    first = images + plane * size + pixel - column
    total = tl.zeros([PIXELS], tl.float32)
    for offset in range(-reach, reach + 1):
        weight = tl.load(weights + tl.abs(offset))
        near = tl.minimum(tl.maximum(column + offset, 0), width - 1)
        total += weight * tl.load(first + near).to(tl.float32)
    tl.store(rows + plane * size + pixel, total, mask=inside)


@triton.jit
def _blur_columns(rows, taps, flags, scale, shift, views, reach, width, size, PIXELS: tl.constexpr):
    plane = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < size
    pixel = tl.minimum(pixel, size - 1)
    weights = taps + plane // 3 * (reach + 1)
    row, column = pixel // width, pixel % width
    total = tl.zeros([PIXELS], tl.float32)
    for offset in range(-reach, reach + 1):
        weight = tl.load(weights + tl.abs(offset))
        near = tl.minimum(tl.maximum(row + offset, 0), size // width - 1)
        total += weight * tl.load(rows + plane * size + near * width + column)
    value = _clip(_round(total))
    is_solarised = (tl.load(flags + plane // 3 * 2 + 1) == 1) & (value >= 128)
    value = tl.where(is_solarised, 255 - value, value)
    channel = plane % 3
    value = value * tl.load(scale + channel) + tl.load(shift + channel)
    tl.store(views + plane * size + pixel, value, mask=inside)
