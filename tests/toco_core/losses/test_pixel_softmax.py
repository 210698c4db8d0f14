from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from toco_core.losses.pixel_softmax import enlarge, pixel_softmax

LABELS = torch.tensor([[[0, 1, 255], [2, 255, 1]], [[2, 2, 0], [255, 255, 255]]])


def logits() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(2, 3, 2, 3, generator=generator, dtype=torch.float64) * 3
    return drawn.requires_grad_()


def separate(logits: Tensor) -> tuple[Tensor, Tensor]:
    entropy = F.cross_entropy(logits, LABELS, ignore_index=255, reduction="none")
    return logits.softmax(dim=1), entropy


@pytest.mark.parametrize("readers", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0)])
def test_it_is_what_pytorch_computes_apart_and_so_is_its_gradient(
    readers: tuple[float, float],
) -> None:
    gradients: list[Tensor] = []
    results: list[tuple[Tensor, Tensor]] = []
    for compute in (lambda x: tuple(pixel_softmax(x, LABELS)), separate):
        x = logits()
        probabilities, entropy = compute(x)
        results.append((probabilities.detach(), entropy.detach()))
        parts = ((probabilities**2).sum(), (entropy**2).sum())
        used = [weight * part for weight, part in zip(readers, parts, strict=True) if weight]
        gradients += torch.autograd.grad(torch.stack(used).sum(), x)
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_gradient_is_that_of_the_differences() -> None:
    assert torch.autograd.gradcheck(lambda x: tuple(pixel_softmax(x, LABELS)), logits())


def test_an_improbable_label_has_a_finite_cross_entropy() -> None:
    far = torch.tensor([[[[-500.0]], [[500.0]]]], requires_grad=True)
    entropy = pixel_softmax(far, torch.zeros(1, 1, 1, dtype=torch.long)).cross_entropy
    entropy.sum().backward()
    assert entropy.item() == 1000
    assert far.grad is not None
    assert far.grad.flatten().tolist() == [-1, 1]


@pytest.mark.parametrize("size", [(48, 80), (7, 11), (3, 5)])
def test_enlarge_is_bilinear_interpolation(size: tuple[int, int]) -> None:
    maps = torch.randn(2, 4, 3, 5, dtype=torch.float64, requires_grad=True)
    expected = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    pull = torch.randn_like(expected)
    enlarged = enlarge(maps, size)
    torch.testing.assert_close(enlarged, expected)
    first, second = (torch.autograd.grad(one, maps, pull)[0] for one in (enlarged, expected))
    torch.testing.assert_close(first, second)
