"""The views of one image that a training step compares (paper, section 3.3)."""

from __future__ import annotations

from typing import NamedTuple

from PIL import ImageOps
from PIL.Image import Image

from toco_core.data.augment.colour import blur, jitter, solarise
from toco_core.data.augment.cropping import Box, mirror, random_crop, random_resized_crop
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.settings import Data


class Views(NamedTuple):
    """RGB images of one size, and the box that is valid in the first and in the local source."""

    first: Image
    second: Image
    local_source: Image
    box: Box


def training_views(
    image: Image, data: Data, rng: SampleRandom, *, official_quirks: bool = False
) -> Views:
    """Make the two global views and the source of the local crops.

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
        Three images of side `data.crop_size`, and the box.
    """
    crop, box = random_crop(image, data.crop_size, data.scale_range, rng)
    if data.flip and rng.chance(0.5):
        crop, box = mirror(crop, box)
    part = random_resized_crop(crop, (0.4, 1.0), rng)
    # Without `flip` nothing is mirrored (digits would change); the authors' jitter does not ask.
    part = _mirror_at_random(part, rng) if data.flip or official_quirks else part
    first = _mirror_at_random(crop, rng) if official_quirks else crop
    local = _mirror_at_random(crop, rng) if official_quirks else crop
    return Views(
        first=blur(jitter(first, rng), rng, 1.0),
        second=solarise(blur(jitter(part, rng), rng, 0.1), rng, 0.2),
        local_source=blur(jitter(local, rng), rng, 0.5),
        box=box,
    )


def _mirror_at_random(image: Image, rng: SampleRandom) -> Image:
    return ImageOps.mirror(image) if rng.chance(0.5) else image
