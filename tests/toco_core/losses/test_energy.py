from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.energy import blobs, pixel_features, smooth
from tests.toco_core.golden_files import assert_golden, golden
from toco_core.images import normalise
from toco_core.losses.energy import DenseEnergyLoss
from toco_core.losses.lattice_corners import sort_corners
from toco_core.losses.permutohedral import PermutohedralLattice

FILE = golden("losses.npz")
LOSS = DenseEnergyLoss()


def energy(logits: Tensor, chosen: slice = slice(None), boxes: Tensor | None = None) -> Tensor:
    boxes = FILE["img_box"] if boxes is None else boxes
    return LOSS(FILE["energy_images"][chosen], logits, FILE["pseudo_label"][chosen], boxes[chosen])


def gaussian_sum(features: Tensor, values: Tensor) -> Tensor:
    """The sum that the lattice approximates, over all pairs: (B, N, d), (B, N, K) -> (B, N, K)."""
    return torch.exp(-0.5 * torch.cdist(features, features) ** 2) @ values


def test_energy_and_gradient_match_the_authors() -> None:
    logits = FILE["energy_logits"].clone().requires_grad_()
    value = energy(logits)
    value.backward()
    assert logits.grad is not None
    assert_golden(value, FILE["energy"][0], rtol=2e-3)
    assert_golden(logits.grad, FILE["energy_grad"], rtol=2e-3)


def test_the_images_of_a_batch_do_not_see_each_other() -> None:
    logits = FILE["energy_logits"]
    alone = [energy(logits[i : i + 1], slice(i, i + 1)) for i in range(3)]
    torch.testing.assert_close(torch.stack(alone).mean(), energy(logits), rtol=1e-5, atol=0)


def test_pixels_outside_the_box_have_no_gradient() -> None:
    logits = FILE["energy_logits"].clone().requires_grad_()
    energy(logits).backward()
    assert logits.grad is not None
    assert logits.grad[2, :, :40, 10:].any()
    assert not logits.grad[2, :, 42:].any()


def test_a_box_outside_the_image_gives_no_energy() -> None:
    boxes = torch.tensor([[100, 120, 0, 72]] * 3)
    logits = FILE["energy_logits"].clone().requires_grad_()
    value = energy(logits, boxes=boxes)
    value.backward()
    assert value == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_computed_in_float32(dtype: torch.dtype) -> None:
    logits = FILE["energy_logits"].to(dtype)
    assert torch.equal(energy(logits), energy(logits.float()))


@pytest.mark.parametrize("dims", [1, 2, 3, 5])
def test_filter_is_proportional_to_the_exact_sum_where_points_are_dense(dims: int) -> None:
    torch.manual_seed(0)
    features, values = torch.rand(2, 1500, dims), torch.rand(2, 1500, 2)
    ratio = PermutohedralLattice.around(features).filter(values) / gaussian_sum(features, values)
    assert ratio.std() / ratio.mean() < 0.15


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["smooth", "noise"])
def test_energy_and_gradient_are_the_exact_ones_but_for_a_common_factor(
    kind: str, seed: int
) -> None:
    side, loss = 40, DenseEnergyLoss(weight=1.0, scale_factor=1.0)
    noise = 255 * torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))
    image = smooth(side, seed) if kind == "smooth" else noise
    logits = blobs(side, seed, classes=5).log().requires_grad_()
    box, labels = torch.tensor([[0, side, 0, side]]), torch.zeros(1, side, side, dtype=torch.long)
    value = loss(normalise(image), logits, labels, box)
    (gradient,) = torch.autograd.grad(value, logits)

    values = logits.softmax(dim=1).flatten(2).transpose(1, 2)  # (1, N, K)
    gate = (1 - values.amax(dim=2, keepdim=True)).detach()
    filtered = gaussian_sum(pixel_features(loss, image), values.detach())
    # Both pixels of a pair pull: hence twice the gradient that the sum itself would give.
    pull = -2 * (values * gate * filtered).sum()
    (exact,) = torch.autograd.grad(pull, logits)
    assert 0.4 < (2 * value / pull).item() < 0.6
    assert F.cosine_similarity(gradient.flatten(), exact.flatten(), dim=0) > 0.98
    factor = (gradient * exact).sum() / exact.square().sum()
    error = (gradient / factor - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert error < 0.25  # 0.20 in noise, 0.16 where colours are smooth


def test_a_lattice_larger_than_its_points_gives_the_same_sums_to_the_bit() -> None:
    torch.manual_seed(0)
    features, values = torch.randn(2, 300, 5), torch.randn(2, 300, 3)
    corners = sort_corners(features)
    counted = PermutohedralLattice(corners).filter(values)
    larger = PermutohedralLattice(corners, 2 * int(corners.size))
    assert torch.equal(larger.filter(values), counted)


def test_filter_is_linear() -> None:
    torch.manual_seed(0)
    lattice = PermutohedralLattice.around(torch.randn(1, 200, 5))
    a, b = torch.randn(1, 200, 1), torch.randn(1, 200, 1)
    torch.testing.assert_close(lattice.filter(a + 2 * b), lattice.filter(a) + 2 * lattice.filter(b))


def test_points_far_apart_do_not_mix() -> None:
    features = torch.tensor([[[0.0, 0.0], [50.0, -80.0]]])
    out = PermutohedralLattice.around(features).filter(torch.eye(2)[None])
    assert out[0, 0, 1] == out[0, 1, 0] == 0
    assert out.diagonal(dim1=1, dim2=2).min() > 0


def test_weights_of_the_corners_are_a_partition_of_one() -> None:
    torch.manual_seed(0)
    weights = PermutohedralLattice.around(torch.randn(2, 300, 5) * 10).weights
    assert weights.min() > -1e-4
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(600))


def test_too_many_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"9 coordinates: the lattice has keys for 1\.\.7"):
        PermutohedralLattice.around(torch.zeros(1, 2, 9))
