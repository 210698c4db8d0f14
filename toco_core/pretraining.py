"""Pretrain the small ViT of the embedded recipe: `python -m toco_core.pretraining`.

The pictures show one object each, drawn afresh and never twice. The network names the object's
part, its pattern, its body and its hue: what ImageNet does for a ViT on VOC, in an hour.
`toco_core/weights/README.md` says with which calls the weights of the package were made.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from toco_core.backbone_weights import load_weights
from toco_core.backbones import PARTSCENES_VIT, partscenes_vit
from toco_core.data.partscenes import classes
from toco_core.data.partscenes.scene import Look, draw_object
from toco_core.encoder import Encoder
from toco_core.images import normalise

Pooling = Literal["mean", "max"]
HUE_BINS = 8
# Attribute -> number of values. The part is what the classes are; the others keep the body from
# being ignored.
HEADS = {
    "part": len(classes.ALL_PARTS),
    "pattern": len(classes.PATTERNS),
    "body": len(classes.BODIES),
    "hue": HUE_BINS,
}
HEAD_WEIGHTS = {"part": 1.0, "pattern": 0.3, "body": 0.3, "hue": 0.3}
REPORT_STEPS = 100
EVALUATION_SEED = 999_999_937  # pictures that training never draws


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long and how to pretrain."""

    images: int
    small_share: float  # of the images come first, at `small_size` px, which costs half
    small_size: int = 48
    full_size: int = 64
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    seed: int = 0
    pooling: Pooling = "mean"
    mosaic_share: float = 0.0  # of each batch is tiled: see `mosaic`

    def __post_init__(self) -> None:
        if not 0 <= self.mosaic_share <= 1:
            raise ValueError(f"--mosaic-share {self.mosaic_share} is not in 0..1")
        if self.mosaic_share and self.pooling != "max":
            raise ValueError("--mosaic-share needs --pooling max: a tile has no class token")


def _targets(look: Look) -> list[int]:
    assert look.part is not None
    return [
        classes.ALL_PARTS.index(look.part),
        classes.PATTERNS.index(look.pattern),
        classes.BODIES.index(look.body),
        int(look.hue % 1.0 * HUE_BINS) % HUE_BINS,
    ]


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


class Pretrained(nn.Module):
    """The encoder with linear heads that name the attributes.

    Pooling `mean` reads class token and mean patch token together, which learns fastest from
    nothing. Pooling `max` reads the class token and the maximum over patch tokens each by heads of
    their own: ToCo's classifiers read that maximum, and CTC the class token.
    """

    def __init__(self, encoder: Encoder, pooling: Pooling) -> None:
        super().__init__()
        self.encoder = encoder
        assert encoder.vit.pos_embed is not None  # required by the encoder
        encoder.vit.pos_embed.requires_grad_(True)  # frozen in ToCo, learnt here
        self.pooling: Pooling = pooling
        width, sets = encoder.embed_dim, 1 if pooling == "mean" else 2
        self.heads = nn.ModuleList(_Heads(2 * width // sets) for _ in range(sets))

    def forward(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Return the logits of each set of heads: attribute -> (B, values)."""
        encoded = self.encoder(images)
        if self.pooling == "mean":
            pooled = [torch.cat([encoded.class_token, encoded.tokens.mean(dim=(2, 3))], dim=1)]
        else:
            pooled = [encoded.class_token, encoded.tokens.amax(dim=(2, 3))]  # (B, D) each
        return [heads(x) for heads, x in zip(self.heads, pooled, strict=True)]

    def name_tiles(self, images: Tensor) -> dict[str, Tensor]:
        """Return the logits of the heads over patch tokens for every tile: (B * 4, values)."""
        tiles = F.adaptive_max_pool2d(self.encoder(images).tokens, 2)  # (B, D, 2, 2)
        return self.heads[-1](tiles.flatten(2).transpose(1, 2).flatten(0, 1))


class _Heads(nn.Module):
    """One linear classifier for each attribute."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.by_name = nn.ModuleDict({name: nn.Linear(width, n) for name, n in HEADS.items()})

    def forward(self, pooled: Tensor) -> dict[str, Tensor]:
        return {name: head(pooled) for name, head in self.by_name.items()}


def loss_of(sets: list[dict[str, Tensor]], targets: Tensor) -> Tensor:
    """Return the weighted cross-entropy, summed over attributes and heads; targets (B, heads)."""
    terms = [
        HEAD_WEIGHTS[name] * F.cross_entropy(logits[name], target)
        for logits in sets
        for name, target in zip(HEADS, targets.unbind(dim=1), strict=True)
    ]
    return torch.stack(terms).sum()


def batch_loss(model: Pretrained, images: Tensor, targets: Tensor, mosaic_share: float) -> Tensor:
    """Return the loss of a batch, the last `mosaic_share` of which is tiled."""
    whole = len(images) - round(mosaic_share * len(images))
    losses = []
    if whole:
        losses.append(loss_of(model(images[:whole]), targets[:whole]))
    if whole < len(images):
        tiles = model.name_tiles(mosaic(images[whole:]))
        losses.append(loss_of([tiles], mosaic_targets(targets[whole:])))
    return torch.stack(losses).sum()


def learning_rate(step: int, steps: int, options: Options) -> float:
    """Return the rate at a step: linear warm-up, then half a cosine."""
    if step < options.warmup_steps:
        return options.lr * (step + 1) / options.warmup_steps
    progress = (step - options.warmup_steps) / max(steps - options.warmup_steps, 1)
    return options.lr * 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def accuracies(model: Pretrained, size: int, images: int = 1024) -> dict[str, float]:
    """Return the share of right answers per attribute on pictures that training never draws."""
    model.eval()
    correct = torch.zeros(len(HEADS))
    for batch, targets in islice(ObjectPictures(EVALUATION_SEED, size, 128), images // 128):
        logits = model(normalise(batch))[-1]  # those of the patch tokens
        answers = torch.stack([logits[name].argmax(dim=1) for name in HEADS], dim=1)
        correct += (answers == targets).float().sum(dim=0)
    model.train()
    return dict(zip(HEADS, (correct / images).tolist(), strict=True))


def _batches(options: Options, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    small = int(steps * options.small_share)
    for size, count in ((options.small_size, small), (options.full_size, steps - small)):
        # A worker of its own draws the next batch while this one is learnt.
        loader = DataLoader(
            ObjectPictures(options.seed, size, options.batch_size), batch_size=None, num_workers=1
        )
        yield from islice(loader, count)


def pretrain(
    options: Options, output: Path, start_from: Path | None = None, held_out: int = 1024
) -> dict[str, float]:
    """Train, print the held-out accuracies now and then, and write the encoder's weights.

    Args:
        options: how long and how.
        output: a .safetensors file, float16.
        start_from: weights of an earlier run; by default random ones.
        held_out: pictures that the final accuracies are taken on.

    Returns:
        Shares of right answers on held-out pictures, by attribute.
    """
    torch.manual_seed(options.seed)
    vit = partscenes_vit()
    if start_from is not None:
        load_weights(vit, start_from)
    model = Pretrained(Encoder(vit, aux_layer=-1), options.pooling)
    steps = options.images // options.batch_size
    optimiser = torch.optim.AdamW(
        model.parameters(), weight_decay=options.weight_decay, betas=(0.9, 0.98)
    )
    start = time.monotonic()
    for step, (images, targets) in enumerate(_batches(options, steps)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, options)
        model.zero_grad()
        loss = batch_loss(model, normalise(images), targets, options.mosaic_share)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % REPORT_STEPS == 0 or step + 1 == steps:
            _report(model, step + 1, steps, loss.item(), options, time.monotonic() - start)
            write_weights(model.encoder, output)
    return accuracies(model, options.full_size, held_out)


def _report(
    model: Pretrained, step: int, steps: int, loss: float, options: Options, seconds: float
) -> None:
    shares = "  ".join(f"{k} {v:.1%}" for k, v in accuracies(model, options.full_size, 512).items())
    rate = step * options.batch_size / seconds
    left = (steps - step) * options.batch_size / rate / 60
    print(
        f"step {step}/{steps}  loss {loss:.3f}  {shares}  {rate:.0f} images/s  {left:.0f} min left",
        flush=True,
    )


def write_weights(encoder: Encoder, output: Path) -> None:
    """Write the weights as float16: half the size, and far below the noise of the training."""
    state = {
        key: value.detach().half().contiguous() for key, value in encoder.vit.state_dict().items()
    }
    save_file(state, output, metadata={"architecture": PARTSCENES_VIT})


def main() -> None:
    """Parse the command line and pretrain."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--images", type=int, default=320_000, help="pictures to learn from (default %(default)s)"
    )
    parser.add_argument(
        "--small-share", type=float, default=0.75, help="share of them drawn at 48 px"
    )
    parser.add_argument("--pooling", choices=("mean", "max"), default="mean", help="see Pretrained")
    parser.add_argument(
        "--mosaic-share", type=float, default=0.0, help="share of the pictures that are tiled"
    )
    parser.add_argument("--lr", type=float, default=1e-3, help="peak rate (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other pictures")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--start-from", type=Path, help="weights to go on from; default: none")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "weights/partscenes_vit.safetensors"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    options = Options(
        images=arguments.images,
        small_share=arguments.small_share,
        lr=arguments.lr,
        seed=arguments.seed,
        pooling=arguments.pooling,
        mosaic_share=arguments.mosaic_share,
    )
    shares = pretrain(options, arguments.output, arguments.start_from)
    print("held out: " + "  ".join(f"{name} {share:.1%}" for name, share in shares.items()))


if __name__ == "__main__":
    main()
