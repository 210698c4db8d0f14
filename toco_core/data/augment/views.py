"""The views of one image that a training step compares (paper, section 3.3)."""

from __future__ import annotations

from typing import NamedTuple

from PIL import ImageOps
from PIL.Image import Image

from toco_core.data.augment.colour import Colour, draw_colour, recolour
from toco_core.data.augment.cropping import Box, mirror, random_crop, random_resized_crop
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.settings import Data

# How often each view is blurred and solarised (those of DINO, which the authors use).
VIEW_COLOURS = (
    {"blurred": 1.0, "solarised": 0.0},
    {"blurred": 0.1, "solarised": 0.2},
    {"blurred": 0.5, "solarised": 0.0},
)


class Views(NamedTuple):
    """RGB images of one size, and the box that is valid in the first and in the local source."""

    first: Image
    second: Image
    local_source: Image
    box: Box


class CutViews(NamedTuple):
    """The same before their colours are changed."""

    views: Views
    colours: tuple[Colour, Colour, Colour]  # of the three images

    def coloured(self) -> Views:
        """Change the colours."""
        first, second, local, box = self.views
        one, other, third = self.colours
        return Views(recolour(first, one), recolour(second, other), recolour(local, third), box)


def cut_views(
    image: Image, data: Data, rng: SampleRandom, *, official_quirks: bool = False
) -> CutViews:
    """Cut the two global views and the source of the local crops, and draw their colours.

    The first view and the local source are one crop in different colours, so that the box and the
    uncertainty map of the first hold in both: a mirroring is that of the crop. The second view,
    which only gives a class token, is a part of the crop.

    Args:
        image: RGB, any size.
        data: crop size, range of scales, and whether to mirror.
        rng: random numbers of this sample.
        official_quirks: mirror the first view and the local source once more, each on its own and
            without the box, as the authors' colour jitter does.

    Returns:
        Three images of side `data.crop_size`, the box, and what is done to their colours.
    """
    crop, box = random_crop(image, data.crop_size, data.scale_range, rng)
    if data.flip and rng.chance(0.5):
        crop, box = mirror(crop, box)
    part = random_resized_crop(crop, (0.4, 1.0), rng)
    # Without `flip` nothing is mirrored (digits would change); the authors' jitter does not ask.
    part = _mirror_at_random(part, rng) if data.flip or official_quirks else part
    first = _mirror_at_random(crop, rng) if official_quirks else crop
    local = _mirror_at_random(crop, rng) if official_quirks else crop
    drawn = (draw_colour(rng, data.crop_size, **each) for each in VIEW_COLOURS)
    return CutViews(Views(first, part, local, box), (next(drawn), next(drawn), next(drawn)))


def training_views(
    image: Image, data: Data, rng: SampleRandom, *, official_quirks: bool = False
) -> Views:
    """Make the three images of a training step from one; arguments as of `cut_views`."""
    return cut_views(image, data, rng, official_quirks=official_quirks).coloured()


def _mirror_at_random(image: Image, rng: SampleRandom) -> Image:
    return ImageOps.mirror(image) if rng.chance(0.5) else image
