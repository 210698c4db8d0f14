from __future__ import annotations

from typing import Any

import pytest
import torch
from timm.layers.attention import Attention
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.toco_core.tiny_vit import tiny_vit
from toco_core.model.attention import JoinedAttention, join_gradients
from toco_core.model.encoder import Encoder


class Copies(TorchDispatchMode):
    """Counts the copies of whole tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.count += func.overloadpacket.__name__ in ("clone", "stack")
        return func(*args, **(kwargs or {}))


def results(attention: nn.Module, tokens: Tensor) -> tuple[list[Tensor], int]:
    """Return output and gradients, and the copies on the way."""
    attention.zero_grad()
    given = tokens.clone().requires_grad_()
    with Copies() as copies:
        output = attention(given)
        output.square().sum().backward()
    gradients = [one.grad for one in (given, *attention.parameters()) if one.grad is not None]
    return [output, *gradients], copies.count


@pytest.mark.parametrize(
    ("settings", "fewer"),
    [
        ({"qkv_bias": True}, 1),
        ({"qk_norm": True, "scale_norm": True, "norm_layer": nn.LayerNorm}, 1),
        ({"gated": True}, 0),
    ],
)
def test_it_is_timm_s_to_the_bit_with_a_copy_less(settings: dict[str, object], fewer: int) -> None:
    attention = Attention(24, num_heads=3, **settings)  # type: ignore[arg-type]
    tokens = torch.randn(2, 17, 24)
    expected, copies = results(attention, tokens)
    join_gradients(attention)
    assert type(attention) is JoinedAttention
    ours, ours_copies = results(attention, tokens)
    assert all(torch.equal(one, other) for one, other in zip(ours, expected, strict=True))
    assert ours_copies == copies - fewer


def test_every_block_of_an_encoder_has_it() -> None:
    encoder = Encoder(tiny_vit(), -1)
    kinds = {type(module) for module in encoder.modules() if isinstance(module, Attention)}
    assert kinds == {JoinedAttention}
