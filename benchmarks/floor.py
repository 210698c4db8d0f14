"""The least time that a training step could take: its matrix products at the machine's rate."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)

from benchmarks.made_up_step import MadeUpStep
from benchmarks.schedules import ours
from benchmarks.timing import alternate

Shape = tuple[int, ...]


def _attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(
    grad: Shape, query: Shape, key: Shape, value: Shape, *_: Any, **__: Any
) -> int:
    return sdpa_backward_flop_count(grad, query, key, value)


aten = torch.ops.aten
ATTENTION_ON_CPU = {  # which torch does not count by itself
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}


def floor_seconds(made: MadeUpStep) -> float:
    """Return what the matrix products of our step would take at the rate measured now."""
    with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
        ours(made)
    tokens, width = len(made.batch.names) * made.tokens, made.model.encoder.embed_dim
    left, right = torch.randn(tokens, width), torch.randn(width, 4 * width)
    product = alternate({"product": lambda: left @ right}, repeats=40)["product"]
    rate = 2 * tokens * width * 4 * width / product.median
    return counter.get_total_flops() / rate
