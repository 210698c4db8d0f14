from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.profiler import ProfilerActivity, profile

from tests.toco_core.tiny_vit import tiny_vit
from toco_core.model.encoder import Encoder
from toco_core.model.recomputation import Recomputation


def small_encoder(**changes: object) -> Encoder:
    return Encoder(tiny_vit(patch_size=4, embed_dim=48, **changes), -2)


def outputs(encoder: Encoder, images: Tensor) -> Tensor:
    encoded = encoder(images)
    both = encoded.tokens.square().mean() + encoded.aux_tokens.square().mean()
    return both + encoder.class_token(images.flip(-1)).square().mean()


def gradients(encoder: Encoder, images: Tensor, enabled: bool) -> list[Tensor]:
    encoder.recomputation.enabled = enabled
    encoder.zero_grad()
    torch.manual_seed(1)  # drop path
    outputs(encoder, images).backward()
    return [weight.grad.clone() for weight in encoder.parameters() if weight.grad is not None]


@pytest.mark.parametrize(
    "changes", [{}, {"qk_norm": True}, {"init_values": 0.1}, {"drop_path_rate": 0.5}]
)
def test_gradients_are_the_same_to_the_bit(changes: dict[str, object]) -> None:
    encoder = small_encoder(**changes)
    images = torch.randn(2, 3, 32, 32)
    lean, whole = (gradients(encoder, images, enabled) for enabled in (True, False))
    assert len(lean) == len(whole) > 30
    assert all(torch.equal(one, other) for one, other in zip(lean, whole, strict=True))


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_gradients_are_the_same_in_mixed_precision(precision: torch.dtype) -> None:
    encoder = small_encoder()
    images = torch.randn(2, 3, 32, 32)
    with torch.autocast("cpu", dtype=precision):
        lean, whole = (gradients(encoder, images, enabled) for enabled in (True, False))
    assert all(torch.equal(one, other) for one, other in zip(lean, whole, strict=True))


def retained(forward: Callable[[], Tensor]) -> int:
    """Return the bytes that are in use after a forward pass, and were not before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        result = forward()
    assert result.requires_grad  # its graph is alive
    return sum(event.self_cpu_memory_usage for event in recorded.key_averages())


def test_a_third_less_is_kept_for_the_backward_pass() -> None:
    encoder = small_encoder()
    images = torch.randn(8, 3, 32, 32)
    encoder.recomputation.enabled = False
    whole = retained(partial(outputs, encoder, images))
    encoder.recomputation.enabled = True
    assert retained(partial(outputs, encoder, images)) < 0.7 * whole


def test_an_output_that_is_changed_in_place_is_kept() -> None:
    norm, linear = nn.LayerNorm(6), nn.Linear(6, 2)
    recomputation = Recomputation(norm)
    values = torch.randn(5, 6)
    kept: list[Tensor] = []
    for enabled in (True, False):
        recomputation.enabled = enabled
        with recomputation.in_force():
            result = linear(norm(values).mul_(3.0))
        kept += torch.autograd.grad(result.sum(), linear.weight)
    assert torch.equal(*kept)
    assert kept[0].abs().max() > 0


@pytest.mark.parametrize("recompute_blocks", [False, True])
def test_nothing_outlives_the_pass(recompute_blocks: bool) -> None:
    encoder = small_encoder()
    encoder.recompute_blocks = recompute_blocks
    encoded = encoder(torch.randn(2, 3, 32, 32))
    storage = StorageWeakRef(encoded.tokens.untyped_storage())
    assert not storage.expired()
    del encoded
    assert storage.expired()


def test_compiled_blocks_are_left_alone() -> None:
    encoder = small_encoder()
    encoder.compile_blocks()
    assert not encoder.recomputation.enabled
    assert not any(module._forward_hooks for module in encoder.modules())
