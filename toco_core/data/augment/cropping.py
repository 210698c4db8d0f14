"""Random rescaling, cropping and mirroring, with the box of a crop that is image, not padding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageOps

from toco_core.data.augment.sample_random import SampleRandom

Box = tuple[int, int, int, int]  # valid part of a crop: rows from:to, columns from:to


class Span(NamedTuple):
    """Along one axis: which part of the rescaled image is shown, and from where on in the crop."""

    source: int
    target: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A square of a rescaled image, which an image and its labels are cut to alike.

    Attributes:
        size: side of the square, px.
        width, height: of the rescaled image, px.
        rows, columns: what of it is shown, and where.
    """

    size: int
    width: int
    height: int
    rows: Span
    columns: Span

    @property
    def box(self) -> Box:
        """The part of the square that shows the image."""
        rows, columns = self.rows, self.columns
        bottom, right = rows.target + rows.length, columns.target + columns.length
        return rows.target, bottom, columns.target, right

    def of(
        self,
        image: Image.Image,
        resampling: Image.Resampling = Image.Resampling.BILINEAR,
        padding: int = 0,
    ) -> Image.Image:
        """Cut it out of an image of any mode; pad what is missing."""
        rows, columns = self.rows, self.columns
        # Only what will be seen is resampled: at twice the size that is a quarter of the work.
        shown = image.resize(
            (columns.length, rows.length),
            resampling,
            box=(
                columns.source * image.width / self.width,
                rows.source * image.height / self.height,
                (columns.source + columns.length) * image.width / self.width,
                (rows.source + rows.length) * image.height / self.height,
            ),
        )
        if shown.size == (self.size, self.size):
            return shown
        padded = Image.new(image.mode, (self.size, self.size), padding)
        padded.paste(shown, (columns.target, rows.target))
        return padded


def random_crop(
    image: Image.Image, size: int, scale_range: tuple[float, float], rng: SampleRandom
) -> tuple[Image.Image, Box]:
    """Rescale an image at random, cut a square at random, and pad with black what is missing.

    Args:
        image: RGB.
        size: side of the crop, px.
        scale_range: smallest and largest factor.
        rng: where the factor and the place come from.

    Returns:
        The crop, and the box of it that shows the image.
    """
    cut = random_cut(image, size, scale_range, rng)
    return cut.of(image), cut.box


def random_cut(
    image: Image.Image, size: int, scale_range: tuple[float, float], rng: SampleRandom
) -> Cut:
    """Draw where a square is cut out of an image; arguments as of `random_crop`."""
    factor = rng.uniform(*scale_range)
    height, width = max(1, int(factor * image.height)), max(1, int(factor * image.width))
    rows, columns = random_span(height, size, rng), random_span(width, size, rng)
    return Cut(size=size, width=width, height=height, rows=rows, columns=columns)


def random_span(length: int, size: int, rng: SampleRandom) -> Span:
    """Place `length` px in a crop of `size` px: cut what is too long, shift what is too short."""
    if length >= size:
        return Span(rng.integer(length - size), 0, size)
    return Span(0, rng.integer(size - length), length)


def mirror(image: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    """Swap left and right of a crop and of its box."""
    top, bottom, left, right = box
    return ImageOps.mirror(image), (top, bottom, image.width - right, image.width - left)


def random_resized_crop(
    image: Image.Image,
    area: tuple[float, float],
    rng: SampleRandom,
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Image.Image:
    """Cut a random part of an image and resize it (bicubic) to the image's own size.

    Args:
        image: RGB.
        area: smallest and largest share of the image's area.
        rng: where share, aspect ratio and place come from.
        ratio: smallest and largest width over height.
    """
    for _ in range(
        10
    ):  # as torchvision: a share and a ratio that do not fit are drawn again, then given up
        share = rng.uniform(*area) * image.width * image.height
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        width, height = round(math.sqrt(share * aspect)), round(math.sqrt(share / aspect))
        if 0 < width <= image.width and 0 < height <= image.height:
            left, top = rng.integer(image.width - width), rng.integer(image.height - height)
            part = (left, top, left + width, top + height)
            return image.resize(image.size, Image.Resampling.BICUBIC, box=part)
    return image
