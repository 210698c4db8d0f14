"""Training batches by iteration, and images to score."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader, Dataset

from toco_core.data.augment.colour import ColourTable
from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.augment.views import CutViews, cut_views
from toco_core.data.batch import CutBatch, EvaluationSample, TrainBatch, WholeImage
from toco_core.data.reader import ParquetSplit
from toco_core.data.sampling import ShuffledOrder, rank_positions, sample_seeds
from toco_core.data.storage import DatasetError
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
        batches = _Batches(self._samples, collate)
        if self._num_workers == 0:
            return map(batches.load, iterations)
        return self._from_processes(batches, iterations)

    def _from_processes(self, batches: _Batches[B], iterations: range) -> Iterator[B]:
        loader = DataLoader(
            batches,
            batch_size=None,  # an item is a batch
            sampler=iterations,
            num_workers=self._num_workers,
            collate_fn=_unchanged,
            worker_init_fn=_leave_signals_to_the_trainer,
            pin_memory=torch.cuda.is_available(),
            # Without a generator of its own it would draw from the global one, which the step uses.
            generator=torch.Generator(),
            # The client of a remote filesystem does not survive a fork.
            multiprocessing_context=None if self._split.location.is_local else "spawn",
        )
        for item in loader:
            if isinstance(item, DatasetError):
                raise item
            yield item

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


class _Batches(Dataset[B | DatasetError], Generic[B]):
    """Batches by iteration, as loading processes make them.

    They hand a bad dataset over as it is: DataLoader would wrap the error in its own traceback.
    """

    def __init__(
        self, samples: Callable[[int], list[_Sample]], collate: Callable[[list[_Sample]], B]
    ) -> None:
        self._samples, self._collate = samples, collate

    def load(self, iteration: int) -> B:
        return self._collate(self._samples(iteration))

    def __getitem__(self, iteration: int) -> B | DatasetError:
        try:
            return self.load(iteration)
        except DatasetError as error:
            return error


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


def _unchanged(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_trainer(_worker: int) -> None:
    # A terminal sends it to all its processes, and the trainer may want another batch and a
    # checkpoint before it ends. Loading processes end with it in any case.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a fork has the trainer's handlers
        signal.signal(number, signal.SIG_DFL)


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
