from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from toco_core.model.patches import embed_patches, patches_by_product


@pytest.mark.parametrize("size", [(16, 24), (19, 30)])  # the second leaves a rest
@pytest.mark.parametrize("bias", [True, False])
def test_the_product_is_the_convolution(size: tuple[int, int], bias: bool) -> None:
    embedding = nn.Conv2d(3, 12, 8, stride=8, bias=bias).double()
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    outputs = embed_patches(images, embedding), patches_by_product(images, embedding)
    torch.testing.assert_close(*outputs)
    factors = torch.randn_like(outputs[0])
    by_way: list[list[Tensor]] = []
    for output in outputs:
        embedding.zero_grad()
        (output * factors).sum().backward()
        by_way.append([weight.grad for weight in embedding.parameters() if weight.grad is not None])
    for first, second in zip(*by_way, strict=True):
        torch.testing.assert_close(first, second)


def test_a_gpu_multiplies_what_a_cpu_convolves() -> None:
    aten = torch.ops.aten
    for device, op in (("cuda", aten.addmm), ("cpu", aten.convolution)):
        with FakeTensorMode(), FlopCounterMode(display=False) as counter:
            embedding = nn.Conv2d(3, 12, 8, stride=8, device=device)
            embed_patches(torch.empty(2, 3, 16, 24, device=device), embedding)
        assert list(counter.get_flop_counts()["Global"]) == [op]
