from __future__ import annotations

import pytest
import torch

from tests.toco_core.golden_files import assert_golden, golden
from tests.toco_core.losses.gradients import value_and_gradient
from toco_core.losses.pixels import balanced_cross_entropy, balanced_cross_entropy_sums

FILE = golden("losses.npz")


def test_seg_matches_the_authors() -> None:
    value, gradient = value_and_gradient(
        lambda x: balanced_cross_entropy(x, FILE["pseudo_label"]), FILE["seg_logits"]
    )
    assert_golden(value, FILE["seg"])
    assert_golden(gradient, FILE["seg_grad"])


@pytest.mark.parametrize("label", [0, 1])
def test_seg_counts_an_empty_half_as_zero(label: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 2, 2)
    labels = torch.full((1, 2, 2), label)
    expected = 0.5 * torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(balanced_cross_entropy(logits, labels), expected)


def test_seg_with_nothing_labelled_is_zero_with_zero_gradient() -> None:
    labels = torch.full((1, 2, 2), 255)
    value, gradient = value_and_gradient(
        lambda x: balanced_cross_entropy(x, labels), torch.randn(1, 3, 2, 2)
    )
    assert value == 0
    assert not gradient.any()


def test_seg_sums_of_parts_give_the_loss_of_the_whole() -> None:
    logits, labels = FILE["seg_logits"], FILE["pseudo_label"]
    parts = [balanced_cross_entropy_sums(logits[i : i + 1], labels[i : i + 1]) for i in range(3)]
    sums = torch.stack([part.sums for part in parts]).sum(dim=0)
    counts = torch.stack([part.counts for part in parts]).sum(dim=0)
    torch.testing.assert_close((0.5 * sums / counts).sum(), balanced_cross_entropy(logits, labels))
