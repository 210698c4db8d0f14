"""Pixel-adaptive refinement as two Triton kernels: one weighs the neighbours, one averages them.

The tensor versions in `pixel_affinity` and `refine` are the reference. On a GPU they take about 385
launches, and gather the rows of one product eight times slower than memory allows.

Throughout, B images of H x W pixels have N neighbours each; a neighbour beyond the border is the
nearest pixel inside (replicate padding).
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

PIXELS = 128  # of a program
CHANNELS = 16  # of a program of the average: more would not fit into its registers


def neighbour_weights(
    images: Tensor, offsets: Tensor, nearness: Tensor, bandwidth: float, tiny: float
) -> Tensor:
    """Weigh the neighbours of every pixel by colour, and add the weights of their distances.

    Args:
        images: (B, 3, H, W) float32, contiguous, on a GPU.
        offsets: (2, N) int32: of the neighbours, px down and px right.
        nearness: (N,) float32: what distance alone gives.
        bandwidth: of a difference, in standard deviations among the neighbours.
        tiny: standard deviation of what does not vary.

    Returns:
        (B, N, H * W) float32.
    """
    batch, _, height, width = images.shape
    neighbours = offsets.shape[1]
    weights = images.new_empty(batch, neighbours, height * width)
    _weigh[(triton.cdiv(height * width, PIXELS), batch)](
        images,
        offsets,
        nearness,
        weights,
        height,
        width,
        bandwidth,
        tiny,
        N=neighbours,
        PIXELS=PIXELS,
    )
    return weights


def average_neighbours(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Replace each value by the weighted sum of its neighbours'.

    Args:
        values: (B, K, H, W) float32, contiguous, on a GPU.
        weights: (B, N, H * W) float32.
        offsets: (2, N) int32, as of `neighbour_weights`.

    Returns:
        (B, K, H, W) float32.
    """
    batch, channels, height, width = values.shape
    averaged = torch.empty_like(values)
    tile = min(CHANNELS, triton.next_power_of_2(channels))
    _average[(triton.cdiv(height * width, PIXELS), triton.cdiv(channels, tile), batch)](
        values,
        weights,
        offsets,
        averaged,
        channels,
        height,
        width,
        N=offsets.shape[1],
        PIXELS=PIXELS,
        CHANNELS=tile,
    )
    return averaged


@triton.jit
def _neighbour(offsets, n, pixel, height, width, N: tl.constexpr):
    """Return the index of the n-th neighbour of each pixel."""
    row = pixel // width + tl.load(offsets + n)
    column = pixel % width + tl.load(offsets + N + n)
    row = tl.minimum(tl.maximum(row, 0), height - 1)
    column = tl.minimum(tl.maximum(column, 0), width - 1)
    return row * width + column


@triton.jit
def _weigh(
    images,
    offsets,
    nearness,
    weights,
    height,
    width,
    bandwidth,
    tiny,
    N: tl.constexpr,
    PIXELS: tl.constexpr,
):
    size = height * width
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < size
    pixel = tl.minimum(pixel, size - 1)
    red = images + tl.program_id(1).to(tl.int64) * 3 * size
    green, blue = red + size, red + 2 * size
    red_sum = tl.zeros([PIXELS], tl.float32)
    green_sum = tl.zeros([PIXELS], tl.float32)
    blue_sum = tl.zeros([PIXELS], tl.float32)
    for n in range(N):
        near = _neighbour(offsets, n, pixel, height, width, N)
        red_sum += tl.load(red + near)
        green_sum += tl.load(green + near)
        blue_sum += tl.load(blue + near)
    red_mean, green_mean, blue_mean = red_sum / N, green_sum / N, blue_sum / N
    red_sum = tl.zeros([PIXELS], tl.float32)
    green_sum = tl.zeros([PIXELS], tl.float32)
    blue_sum = tl.zeros([PIXELS], tl.float32)
    for n in range(N):
        near = _neighbour(offsets, n, pixel, height, width, N)
        difference = tl.load(red + near) - red_mean
        red_sum += difference * difference
        difference = tl.load(green + near) - green_mean
        green_sum += difference * difference
        difference = tl.load(blue + near) - blue_mean
        blue_sum += difference * difference
    red_scale = 1 / ((tl.sqrt(red_sum / (N - 1)) + tiny) * bandwidth)
    green_scale = 1 / ((tl.sqrt(green_sum / (N - 1)) + tiny) * bandwidth)
    blue_scale = 1 / ((tl.sqrt(blue_sum / (N - 1)) + tiny) * bandwidth)
    own_red, own_green, own_blue = (
        tl.load(red + pixel),
        tl.load(green + pixel),
        tl.load(blue + pixel),
    )
    # A softmax in one pass over the neighbours: its sum is kept relative to the largest so far.
    largest = tl.full([PIXELS], float("-inf"), tl.float32)
    total = tl.zeros([PIXELS], tl.float32)
    for n in range(N):
        near = _neighbour(offsets, n, pixel, height, width, N)
        x = (tl.load(red + near) - own_red) * red_scale
        y = (tl.load(green + near) - own_green) * green_scale
        z = (tl.load(blue + near) - own_blue) * blue_scale
        alike = -(x * x + y * y + z * z) / 3
        now = tl.maximum(largest, alike)
        total = total * tl.exp(largest - now) + tl.exp(alike - now)
        largest = now
    row = weights + tl.program_id(1).to(tl.int64) * N * size + pixel
    for n in range(N):
        near = _neighbour(offsets, n, pixel, height, width, N)
        x = (tl.load(red + near) - own_red) * red_scale
        y = (tl.load(green + near) - own_green) * green_scale
        z = (tl.load(blue + near) - own_blue) * blue_scale
        alike = -(x * x + y * y + z * z) / 3
        weight = tl.exp(alike - largest) / total + tl.load(nearness + n)
        tl.store(row + n * size, weight, mask=inside)


@triton.jit
def _average(
    values,
    weights,
    offsets,
    averaged,
    channels,
    height,
    width,
    N: tl.constexpr,
    PIXELS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    size = height * width
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < size
    pixel = tl.minimum(pixel, size - 1)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    image = tl.program_id(2).to(tl.int64)
    plane = (image * channels + channel)[:, None] * size  # (CHANNELS, 1)
    known = (channel < channels)[:, None]
    row = weights + image * N * size + pixel
    total = tl.zeros([CHANNELS, PIXELS], tl.float32)
    for n in range(N):
        near = _neighbour(offsets, n, pixel, height, width, N)
        weight = tl.load(row + n * size)
        total += weight[None, :] * tl.load(values + plane + near[None, :], mask=known, other=0.0)
    tl.store(averaged + plane + pixel[None, :], total, mask=known & inside[None, :])
