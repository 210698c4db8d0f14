"""Pictures of one object each, drawn afresh and never twice, and mosaics of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from toco_core.data.partscenes import classes
from toco_core.data.partscenes.scene import Look, draw_object

HUE_BINS = 8
# Attribute -> number of values. The part is what the classes are; the others keep the body from
# being ignored.
ATTRIBUTES = {
    "part": len(classes.ALL_PARTS),
    "pattern": len(classes.PATTERNS),
    "body": len(classes.BODIES),
    "hue": HUE_BINS,
}


class ObjectPictures(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless stream of batches: images (B, 3, S, S) uint8, targets (B, heads)."""

    def __init__(self, seed: int, size: int, batch_size: int) -> None:
        self.seed, self.size, self.batch_size = seed, size, batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, self.size, worker.id if worker else 0])
        while True:
            yield self._batch(rng)

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pictures = [draw_object(rng, self.size) for _ in range(self.batch_size)]
        # Training scenes are mirrored, so a mirrored part is the same part.
        images = np.stack(
            [image[:, ::-1] if rng.random() < 0.5 else image for image, _ in pictures]
        )
        targets = [_targets(look) for _, look in pictures]
        return torch.from_numpy(images).permute(0, 3, 1, 2), torch.tensor(targets)


def _targets(look: Look) -> list[int]:
    assert look.part is not None
    return [
        classes.ALL_PARTS.index(look.part),
        classes.PATTERNS.index(look.pattern),
        classes.BODIES.index(look.body),
        int(look.hue % 1.0 * HUE_BINS) % HUE_BINS,
    ]


def mosaic(images: Tensor) -> Tensor:
    """Tile each picture from the middles of itself and the next three: (B, 3, S, S), four objects.

    Heads that read a tile's own tokens only, while attention sees all four, keep what a token
    knows near its place. Pretrained on whole pictures alone, tokens of the background know the
    class as well, and a CAM lights up all over the picture.
    """
    size = images.shape[-1]
    middle = images[..., size // 4 : size - size // 4, size // 4 : size - size // 4]
    tiles = [middle.roll(-shift, dims=0) for shift in range(4)]  # (B, 3, S / 2, S / 2) each
    return torch.cat([torch.cat(tiles[:2], dim=3), torch.cat(tiles[2:], dim=3)], dim=2)


def mosaic_targets(targets: Tensor) -> Tensor:
    """Return the targets of the tiles, row by row: (B, heads) -> (B * 4, heads)."""
    return torch.stack([targets.roll(-shift, dims=0) for shift in range(4)], dim=1).flatten(0, 1)
