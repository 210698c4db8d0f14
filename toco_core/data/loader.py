"""Training batches by iteration, and images to score."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader, Dataset

from toco_core.data.augment.sample_random import SampleRandom
from toco_core.data.augment.views import training_views
from toco_core.data.batch import EvaluationSample, TrainBatch, WholeImage
from toco_core.data.sampling import ShuffledOrder, rank_positions, sample_seeds
from toco_core.data.storage import DatasetError
from toco_core.images import normalise, to_pixels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from toco_core.data.augment.cropping import Box
    from toco_core.data.reader import ParquetSplit
    from toco_core.settings import Recipe


class _Sample(NamedTuple):
    first: Tensor  # (3, S, S) uint8, as the next two
    second: Tensor
    local_source: Tensor
    class_labels: Tensor  # (C,)
    box: Box
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
        positions = rank_positions(
            iteration, self._recipe.data.images_per_step, self._rank, self._world_size
        )
        return _collate([self._sample(position) for position in positions])

    def batches(self, start: int = 0) -> Iterator[TrainBatch]:
        """Iterate over the batches from iteration `start` to the recipe's last one."""
        iterations = range(start, len(self))
        if self._num_workers == 0:
            return map(self.__getitem__, iterations)
        return self._from_processes(iterations)

    def _from_processes(self, iterations: range) -> Iterator[TrainBatch]:
        loader = DataLoader(
            _ErrorsAsItems(self),
            batch_size=None,  # an item is a batch
            sampler=iterations,
            num_workers=self._num_workers,
            collate_fn=_unchanged,
            worker_init_fn=_leave_ctrl_c_to_the_trainer,
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

    def _sample(self, position: int) -> _Sample:
        row = self._split.row(self._order.sample_at(position))
        seeds = sample_seeds(self._recipe.seed, position)
        views = training_views(
            self._split.image(row),
            self._recipe.data,
            SampleRandom(seeds.views),
            official_quirks=self._recipe.official_quirks,
        )
        return _Sample(
            first=to_pixels(views.first),
            second=to_pixels(views.second),
            local_source=to_pixels(views.local_source),
            class_labels=self._split.class_labels(row),
            box=views.box,
            crop_seed=seeds.local_crops,
            name=row.name,
        )


class _ErrorsAsItems(Dataset["TrainBatch | DatasetError"]):
    """Hands a bad dataset over as it is: DataLoader would wrap the error in its own traceback."""

    def __init__(self, batches: TrainLoader) -> None:
        self._batches = batches

    def __getitem__(self, iteration: int) -> TrainBatch | DatasetError:
        try:
            return self._batches[iteration]
        except DatasetError as error:
            return error


def _collate(samples: list[_Sample]) -> TrainBatch:
    first, second, local, labels, boxes, crop_seeds, names = zip(*samples, strict=True)
    return TrainBatch(
        images=torch.stack(first),
        global_view=torch.stack(second),
        local_source=torch.stack(local),
        class_labels=torch.stack(labels),
        boxes=torch.tensor(boxes),
        crop_seeds=torch.tensor(crop_seeds),
        names=list(names),
        most_classes=max(1, *(int(label.sum()) for label in labels)),
    )


def _unchanged(batch: Any) -> Any:
    return batch


def _leave_ctrl_c_to_the_trainer(_worker: int) -> None:
    # A terminal sends it to all its processes, and the trainer may want another batch and a
    # checkpoint before it ends. Loading processes end with it in any case.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
