"""Batches of images with their labels, each a function of the recipe and its iteration alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from toco_core.data.augment.cropping import random_cut
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.loading import Batches, load_batches
from toco_core.data.reader import ParquetSplit
from toco_core.data.sampling import ShuffledOrder, rank_positions, sample_seeds
from toco_core.images import to_pixels
from toco_core.settings import Data, Recipe
from toco_core.supervised.labels import Labels


class LabelledBatch(NamedTuple):
    """B crops of side S with their labels."""

    images: Tensor  # (B, 3, S, S) uint8
    labels: Tensor  # (B, S, S) uint8, 0..C and the ignore index


class _Sample(NamedTuple):
    pixels: Tensor  # (3, S, S) uint8
    labels: Tensor  # (S, S) uint8


class LabelledLoader:
    """The images that have labels, in random order, size, place and direction.

    Args:
        split: where the images come from.
        labels: which of them have labels, and where those are.
        recipe: seed, iterations, images of a step, crop size and augmentation.
        num_workers: loading processes; 0 loads in this one. The batches are the same.
    """

    def __init__(
        self, split: ParquetSplit, labels: Labels, recipe: Recipe, *, num_workers: int = 0
    ) -> None:
        self._split, self._labels, self._recipe = split, labels, recipe
        self._indices = tuple(labels.indices)
        self._num_workers = num_workers
        sizes = _chosen_of_each(self._indices, split.group_sizes)
        self._order = ShuffledOrder(sizes, window=split.window, seed=recipe.seed)

    def batches(self, start: int = 0) -> Iterator[LabelledBatch]:
        """Iterate over the batches from iteration `start` to the recipe's last one."""
        iterations = range(start, self._recipe.iterations)
        batches = Batches(self._samples, _collate)
        is_local = self._split.location.is_local
        return load_batches(batches, iterations, self._num_workers, is_local=is_local)

    def _samples(self, iteration: int) -> list[_Sample]:
        positions = rank_positions(iteration, self._recipe.data.images_per_step, 0, 1)
        return [self._sample(position) for position in positions]

    def _sample(self, position: int) -> _Sample:
        index = self._indices[self._order.sample_at(position)]
        image = self._split.image(self._split.row(index))
        labels = self._labels.read(self._split, index)
        rng = SampleRandom(sample_seeds(self._recipe.seed, position).views)
        ignore_index = self._split.info.ignore_index
        return _Sample(*augment(image, labels, self._recipe.data, rng, ignore_index))


def augment(
    image: Image.Image, labels: Image.Image, data: Data, rng: SampleRandom, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """Rescale, cut and mirror an image and its labels alike.

    Args:
        image: RGB.
        labels: of the same size, mode L.
        data: crop size S, range of scales, and whether to mirror.
        rng: random numbers of this sample.
        ignore_index: label of what lies outside the image.

    Returns:
        (3, S, S) pixels and (S, S) labels, uint8.
    """
    cut = random_cut(image, data.crop_size, data.scale_range, rng)
    crop, target = cut.of(image), cut.of(labels, Image.Resampling.NEAREST, ignore_index)
    if data.flip and rng.chance(0.5):
        crop, target = ImageOps.mirror(crop), ImageOps.mirror(target)
    return to_pixels(crop), torch.from_numpy(np.array(target))


def _collate(samples: list[_Sample]) -> LabelledBatch:
    pixels, labels = zip(*samples, strict=True)
    return LabelledBatch(torch.stack(pixels), torch.stack(labels))


def _chosen_of_each(indices: Sequence[int], group_sizes: Sequence[int]) -> list[int]:
    """Return how many of the rows, in ascending order, are of each row group."""
    bounds = np.searchsorted(indices, list(accumulate(group_sizes, initial=0)))
    return [int(end - start) for start, end in pairwise(bounds)]
