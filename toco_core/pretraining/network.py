"""The encoder with heads that name an object's attributes, and what it learns from."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toco_core.model.encoder import Encoder
from toco_core.pretraining.pictures import ATTRIBUTES, mosaic, mosaic_targets

Pooling = Literal["mean", "max"]
WEIGHTS = {"part": 1.0, "pattern": 0.3, "body": 0.3, "hue": 0.3}


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
        self.by_name = nn.ModuleDict({name: nn.Linear(width, n) for name, n in ATTRIBUTES.items()})

    def forward(self, pooled: Tensor) -> dict[str, Tensor]:
        return {name: head(pooled) for name, head in self.by_name.items()}


def loss_of(sets: list[dict[str, Tensor]], targets: Tensor) -> Tensor:
    """Return the weighted cross-entropy, summed over attributes and heads; targets (B, heads)."""
    terms = [
        WEIGHTS[name] * F.cross_entropy(logits[name], target)
        for logits in sets
        for name, target in zip(ATTRIBUTES, targets.unbind(dim=1), strict=True)
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
