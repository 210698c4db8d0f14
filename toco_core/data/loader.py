"""Training batches by iteration, and images to score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from toco_core.data.augment.colour import ColourTable
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.augment.views import CutViews, cut_views
from toco_core.data.batch import CutBatch, EvaluationSample, TrainBatch, WholeImage
from toco_core.data.loading import Batches, load_batches
from toco_core.data.reader import ParquetSplit
from toco_core.data.sampling import ShuffledOrder, rank_positions, sample_seeds
from toco_core.images import normalise, to_pixels
from toco_core.settings import Recipe

B = TypeVar("B")


class _Sample(NamedTuple):
    cut: CutViews
    class_labels: Tensor  # (C,)
    crop_seed: int
    name: str


class TrainLoader(Dataset[TrainBatch]):
    """One rank's batches, each a function of the recipe and its iteration alone."""

    def __init__(
        self,
        split: ParquetSplit,
        recipe: Recipe,
        *,
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
    ) -> None:
        """Prepare the order of the samples; nothing is read yet.

        Args:
            split: where the images come from.
            recipe: seed, iterations, images of a step, crop size and augmentation.
            rank: which share of each step.
            world_size: ranks that share a step.
            num_workers: loading processes; 0 loads in this one. The batches are the same.

        Raises:
            ValueError: the images of a step cannot be shared evenly.
        """
        rank_positions(
            0, recipe.data.images_per_step, rank, world_size
        )  # refuse before the first step
        self._split = split
        self._recipe = recipe
        self._rank, self._world_size = rank, world_size
        self._num_workers = num_workers
        self._order = ShuffledOrder(split.group_sizes, window=split.window, seed=recipe.seed)

    def __len__(self) -> int:
        return self._recipe.iterations

    def __getitem__(self, iteration: int) -> TrainBatch:
        return _collate(self._samples(iteration))

    def batches(self, start: int = 0) -> Iterator[TrainBatch]:
        """Iterate over the batches from iteration `start` to the recipe's last one."""
        return self._collated(_collate, range(start, len(self)))

    def cut_batches(self, start: int = 0) -> Iterator[CutBatch]:
        """Iterate over the same, whose views are left to be coloured by the GPU that they go to."""
        return self._collated(_collate_cut, range(start, len(self)))

    def _collated(self, collate: Callable[[list[_Sample]], B], iterations: range) -> Iterator[B]:
        batches = Batches(self._samples, collate)
        is_local = self._split.location.is_local
        return load_batches(batches, iterations, self._num_workers, is_local=is_local)

    def _samples(self, iteration: int) -> list[_Sample]:
        images = self._recipe.data.images_per_step
        positions = rank_positions(iteration, images, self._rank, self._world_size)
        return [self._sample(position) for position in positions]

    def _sample(self, position: int) -> _Sample:
        row = self._split.row(self._order.sample_at(position))
        seeds = sample_seeds(self._recipe.seed, position)
        cut = cut_views(
            self._split.image(row),
            self._recipe.data,
            SampleRandom(seeds.views),
            official_quirks=self._recipe.official_quirks,
        )
        return _Sample(cut, self._split.class_labels(row), seeds.local_crops, row.name)


def _collate(samples: list[_Sample]) -> TrainBatch:
    views = [sample.cut.coloured() for sample in samples]
    return _without_views(samples)._replace(
        images=torch.stack([to_pixels(one.first) for one in views]),
        global_view=torch.stack([to_pixels(one.second) for one in views]),
        local_source=torch.stack([to_pixels(one.local_source) for one in views]),
    )


def _collate_cut(samples: list[_Sample]) -> CutBatch:
    views = [sample.cut.views for sample in samples]
    colours = zip(*(sample.cut.colours for sample in samples), strict=True)  # view after view
    crops = torch.stack([to_pixels(one.first) for one in views])
    return CutBatch(
        crops=crops,
        parts=torch.stack([to_pixels(one.second) for one in views]),
        colours=ColourTable.of(list(chain(*colours)), crops.shape[-1]),
        rest=_without_views(samples),
    )


def _without_views(samples: list[_Sample]) -> TrainBatch:
    cuts, labels, crop_seeds, names = zip(*samples, strict=True)
    nothing = torch.empty(0)
    return TrainBatch(
        images=nothing,
        global_view=nothing,
        local_source=nothing,
        class_labels=torch.stack(labels),
        boxes=torch.tensor([cut.views.box for cut in cuts]),
        crop_seeds=torch.tensor(crop_seeds),
        names=list(names),
        most_classes=max(1, *(int(label.sum()) for label in labels)),
    )


def evaluation_samples(
    split: ParquetSplit, indices: Iterable[int], size: int, *, purpose: str = "scoring"
) -> Iterator[EvaluationSample]:
    """Read images to score, with their masks.

    Args:
        split: one with masks.
        indices: rows of the split.
        size: side to which the images are resized, px (bilinear without antialias, as the authors).
        purpose: what the masks are opened for, as the ledger shall show it.

    Raises:
        DatasetError: an image or a mask is missing or cannot be read.
    """
    for index in indices:
        row = split.row(index)
        image = normalise(to_pixels(split.image(row)))[None]  # (1, 3, H, W)
        resized = interpolate(image, size=(size, size), mode="bilinear", align_corners=False)[0]
        (mask,) = split.masks([index], purpose=purpose)
        yield EvaluationSample(row.name, resized, mask, split.class_labels(row))


def whole_image(split: ParquetSplit, index: int) -> WholeImage:
    """Read an image at its own size; its mask stays closed.

    Raises:
        DatasetError: the image cannot be read.
    """
    row = split.row(index)
    return WholeImage(row.name, to_pixels(split.image(row)), split.class_labels(row))
