"""The same training step in three ways: ours, the authors', and one with the obvious savings."""

from __future__ import annotations

from collections.abc import Callable

from timm.layers.attention import Attention
from torch import Tensor

from benchmarks.literal_step import literal_losses
from benchmarks.made_up_step import MadeUpStep
from benchmarks.obvious_step import obvious_losses
from toco_core.model.toco import ToCo
from toco_core.terms.class_contrast import local_crops


def switch(model: ToCo, *, fused: bool, lean: bool) -> None:
    """Set how the blocks of the encoder work.

    Args:
        model: its encoder.
        fused: use the fused kernel; otherwise write the attention matrix out, as was usual.
        lean: keep no activation that is cheap to compute again.
    """
    model.encoder.recomputation.enabled = lean
    for module in model.encoder.modules():
        if isinstance(module, Attention):
            vars(module)["fused_attn"] = fused  # timm's switch, declared final


def ours(made: MadeUpStep) -> dict[str, Tensor]:
    """Make one training step as the trainer does."""
    switch(made.model, fused=True, lean=True)
    return _learn(made, lambda: made.losses(made.batch, 0, {local_crops: made.crops}))


def literal(made: MadeUpStep) -> dict[str, Tensor]:
    """Make the same step on the authors' schedule."""
    switch(made.model, fused=False, lean=False)
    return _learn(made, lambda: literal_losses(made.losses, made.batch, made.crops))


def obvious(made: MadeUpStep) -> dict[str, Tensor]:
    """Make it with the obvious savings alone."""
    switch(made.model, fused=True, lean=False)
    return _learn(made, lambda: obvious_losses(made.losses, made.batch, made.crops))


def _learn(made: MadeUpStep, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    made.optimiser.zero_grad()
    losses = compute()
    losses["total"].backward()
    return losses


SCHEDULES = {"ours": ours, "literal": literal, "obvious": obvious}
