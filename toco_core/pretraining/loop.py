"""Pretrains, and says now and then how far it has come."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from toco_core.encoder_size import PARTSCENES_VIT
from toco_core.images import normalise
from toco_core.model.backbone_weights import load_weights
from toco_core.model.backbones import partscenes_vit
from toco_core.model.encoder import Encoder
from toco_core.pretraining.network import Pooling, Pretrained, batch_loss
from toco_core.pretraining.pictures import ATTRIBUTES, ObjectPictures

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
        if self.images < self.batch_size:
            raise ValueError(f"--images {self.images} is less than a batch, {self.batch_size}")
        if not 0 <= self.small_share <= 1:
            raise ValueError(f"--small-share {self.small_share} is not in 0..1")
        if not 0 <= self.mosaic_share <= 1:
            raise ValueError(f"--mosaic-share {self.mosaic_share} is not in 0..1")
        if self.mosaic_share and self.pooling != "max":
            raise ValueError("--mosaic-share needs --pooling max: a tile has no class token")


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
    correct = torch.zeros(len(ATTRIBUTES))
    for batch, targets in islice(ObjectPictures(EVALUATION_SEED, size, 128), images // 128):
        logits = model(normalise(batch))[-1]  # those of the patch tokens
        answers = torch.stack([logits[name].argmax(dim=1) for name in ATTRIBUTES], dim=1)
        correct += (answers == targets).float().sum(dim=0)
    model.train()
    return dict(zip(ATTRIBUTES, (correct / images).tolist(), strict=True))


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
